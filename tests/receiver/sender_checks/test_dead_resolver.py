"""Without DNS mail is taken, at once or at the deadline, and its results are temperror."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.receiver.checks.dkim.messages import signed
from tests.receiver.processes import wait_until
from tests.receiver.sender_checks.sending import send, stored
from tests.receiver.server import LONG, Server


def test_without_a_resolver_mail_is_taken_at_once_and_results_are_temperror(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve(resolver=tmp_path / "nothing", deadline=60)
    with server.client("mail.example.com") as client:
        times = []
        for _ in range(20):
            client.begin(sender="<news@example.com>")
            began = time.monotonic()
            client.send(signed() + b".\r\n")
            reply = client.reply()
            times.append(time.monotonic() - began)
        field, _, rest = stored(server, reply)
    assert sorted(times)[10] < 10, times
    assert rest == signed()
    for method in (b"dkim", b"spf", b"dmarc", b"iprev"):
        assert method + b"=temperror" in field, field
    assert str(tmp_path).encode() not in field, "the recipients see no path of the host"
    assert "refused" not in server.log_to_the_end()


def test_a_silent_resolver_costs_the_deadline_and_no_mail(silent: Path, serve: Callable[..., Server]) -> None:
    server = serve(resolver=silent, deadline=1)
    with server.client("mail.example.com") as client:
        began = time.monotonic()
        reply = send(client, signed())
        assert 0.9 < time.monotonic() - began < LONG - 1
        assert stored(server, reply)[2] == signed()
        # Senders that vanish while their message waits for its checks: it is stored all the same.
        client.begin(sender="<news@example.com>")
        client.send(signed() + b".\r\n")
    wait_until(lambda: len(server.messages()) == 2, "the second message is stored")
    assert server.stop() == 0


def test_a_stop_does_not_wait_for_the_dns_longer_than_for_mail(
    silent: Path, serve: Callable[..., Server]
) -> None:
    server = serve(resolver=silent, deadline=60, limits={"shutdown_timeout": 1})
    client = server.client("mail.example.com")
    client.ask("MAIL FROM:<news@example.com>", 250)
    client.ask("RCPT TO:<alice@example.test>", 250)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 30
