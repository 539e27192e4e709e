"""The checks of senders from SMTP to the stored file, through our resolver and a nameserver."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.dns.loopback.nameserver import Nameserver
from tests.receiver.checks.dkim.messages import BODY, FIELDS, message, record, rsa, signed
from tests.receiver.processes import wait_until
from tests.receiver.server import Server, start_server
from tests.receiver.wire import Client
from tests.services.resolver.relays import relay

DOMAINS = """
[domains."example.test"]
mailboxes = ["alice", "bob"]

[domains."strict.test"]
mailboxes = ["carol", "dave"]
reject_forged = true
"""
SOA = "$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 30\n@ NS ns\n"
_TEXT = record(rsa()).decode()
KEY = " ".join(f'"{_TEXT[at : at + 200]}"' for at in range(0, len(_TEXT), 200))
ZONES = {
    "example.com": f"""{SOA}
@ TXT "v=spf1 a:mail.example.com -all"
mail A 127.0.0.1
sel._domainkey TXT {KEY}
_dmarc TXT "v=DMARC1; p=reject"
""",
    "127.in-addr.arpa": f"{SOA}1.0.0 PTR mail.example.com.\n",
    "test": SOA,
    "liar.test": f'{SOA}@ TXT "v=spf1 -all"\n',
}
GOOD = (
    b"Authentication-Results: mx.example.test;\r\n"
    b"\tdkim=pass (2048 bits) header.d=example.com header.i=@example.com\r\n"
    b"\t\theader.s=sel header.a=rsa-sha256 header.b=%s;\r\n"
    b"\tspf=pass smtp.mailfrom=news@example.com;\r\n"
    b"\tdmarc=pass (p=reject at example.com, aligned dkim) header.from=example.com;\r\n"
    b"\tiprev=pass (mail.example.com) policy.iprev=127.0.0.1\r\n"
)
UNSIGNED = message(FIELDS, BODY)


@pytest.fixture(scope="module")
def nameserver() -> Iterator[Nameserver]:
    with Nameserver(None, {}, zones=ZONES, recursive=True) as running:
        yield running


@pytest.fixture(scope="module")
def resolver(nameserver: Nameserver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with relay(tmp_path_factory.mktemp("relay"), nameserver.resolver) as path:
        yield path


@pytest.fixture(scope="module")
def checking(resolver: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_server(tmp_path_factory.mktemp("server"), resolver=resolver, domains=DOMAINS)
    yield running
    running.stop()


def good(octets: bytes) -> bytes:
    """Our field for a message that is signed as `signed` does."""
    signature = octets.partition(b"\tb=")[2][:12]
    return GOOD % (b'"%s"' % signature if b"/" in signature else signature)


def stored(server: Server, reply: str, mailbox: str = "alice@example.test") -> tuple[bytes, bytes, bytes]:
    """The field of a stored message, its Received field, and the rest."""
    assert reply.startswith("250 2.0.0 Stored as "), reply
    local, _, domain = mailbox.partition("@")
    (path,) = (server.mail / domain / local / "new").glob(f"*.{reply.split()[-1]}.*")
    own, results, rest = path.read_bytes().partition(b"Authentication-Results: ")
    assert own.startswith(b"Return-Path: <") and own.endswith(b"Delivered-To: %s\r\n" % mailbox.encode()), own
    field, received, rest = (results + rest).partition(b"Received: from ")
    date = rest.index(b" +0000\r\n") + 8
    return field, received + rest[:date], rest[date:]


def send(client: Client, octets: bytes, *recipients: str, sender: str = "<news@example.com>") -> str:
    client.begin(*recipients, sender=sender)
    client.send(octets.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    return client.reply()


def test_a_signed_message_is_stored_as_it_came_below_its_results(checking: Server) -> None:
    octets = signed()
    with checking.client("mail.example.com") as client:
        field, received, rest = stored(checking, send(client, octets))
    assert field == good(octets)
    assert b"by mx.example.test (Letterbox)" in received
    assert rest == octets
    checking.wait_for_log(
        r"event=received .* dkim=pass spf=pass dmarc=pass author=example.com policy=reject "
        r"reverse=mail.example.com checks=\d\.\d+\n"
    )


def test_a_large_message_has_the_same_field_in_its_slot_in_every_copy(checking: Server) -> None:
    octets = signed(body=b"x" * 70 + b"\r\n" + (b"y" * 998 + b"\r\n") * 400)
    with checking.client("mail.example.com") as client:
        reply = send(client, octets, "alice@example.test", "bob@example.test")
    one = stored(checking, reply)
    assert one[2] == octets
    assert one == stored(checking, reply, "bob@example.test")
    assert len(one[0]) == 2048
    assert one[0].startswith(good(octets)[:-2] + b"\r\n\t(----")
    assert one[0].endswith(b"-)\r\n")


def test_several_messages_rset_and_pipelining_each_get_their_own_results(checking: Server) -> None:
    other = signed({"d": "elsewhere.test"}).replace(b"alice@example.com", b"eve@liar.test")
    with checking.client("mail.example.com") as client:
        client.ask("MAIL FROM:<eve@liar.test>", 250)
        client.ask("RCPT TO:<alice@example.test>", 250)
        client.ask("RSET", 250)
        first = send(client, signed())
        commands = b"MAIL FROM:<eve@liar.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"
        client.send(b"RSET\r\n" + commands)
        client.expect(250, 250, 250, 354)
        again = commands.replace(b"eve@liar.test", b"news@example.com")
        client.send(other + b".\r\n" + again)
        second = client.reply()
        client.expect(250, 250, 354)
        client.send(signed() + b".\r\nQUIT\r\n")
        third = client.reply()
        client.expect(221)
    assert stored(checking, first)[0] == stored(checking, third)[0] == good(signed())
    field = stored(checking, second)[0]
    assert b"dkim=permerror" in field and b"spf=fail smtp.mailfrom=eve@liar.test" in field, field
    assert b"header.from=liar.test" in field


@pytest.mark.parametrize("cut", [1, 3, 200, 5000])
def test_chunks_may_be_cut_anywhere(checking: Server, cut: int) -> None:
    octets = signed(body=b"one\r\n..two\r\n.\r\nthree\r\n")
    with checking.client("mail.example.com") as client:
        client.ask("MAIL FROM:<news@example.com>", 250)
        client.ask("RCPT TO:<alice@example.test>", 250)
        pieces = [octets[at : at + cut] for at in range(0, len(octets), cut)]
        client.send(b"".join(b"BDAT %d\r\n" % len(each) + each for each in pieces) + b"BDAT 0 LAST\r\n")
        for _ in pieces:
            client.expect(250)
        field, _, rest = stored(checking, client.reply())
    assert rest == octets
    assert field == good(octets)


FORGED = b"Authentication-Results: %s; dmarc=pass header.from=bank.test\r\n"


def test_only_forged_results_with_a_name_of_ours_are_taken_out(checking: Server) -> None:
    theirs = FORGED % b"mx.elsewhere.test"
    octets = FORGED % b"mx.example.test" + theirs + FORGED % b"(x) MX2.example.test" + UNSIGNED
    inside = FORGED % b"mx.example.test"
    with checking.client("mail.example.com") as client:
        reply = send(client, octets + inside)
    field, _, rest = stored(checking, reply)
    assert rest == theirs + UNSIGNED + inside, "the body stays as it is"
    assert b"dkim=none" in field
    checking.wait_for_log(rf"id={reply.split()[-1]} .* checks=[0-9.]+ forged=2\n")


@pytest.mark.parametrize(
    "octets",
    [
        b"From: a@example.com\r\nSubject: no body\r\n",
        b"From: a@example.com\r\nSubject: an empty body\r\n\r\n",
        b"\r\nno header section\r\n",
        b"\r\n",
        b"no fields and no empty line\r\n",
        b"",
        b"Subject: only results\r\n" + FORGED % b"mx.elsewhere.test",
    ],
)
def test_odd_messages_are_stored_as_they_came(checking: Server, octets: bytes) -> None:
    with checking.client("mail.example.com") as client:
        field, _, rest = stored(checking, send(client, octets))
        assert rest == octets
        client.ask("MAIL FROM:<news@example.com>", 250)
        client.ask("RCPT TO:<alice@example.test>", 250)
        cut = octets.removesuffix(b"\r\n")  # a chunk may end in any octet
        client.send(b"BDAT %d LAST\r\n" % len(cut) + cut)
        assert stored(checking, client.reply())[2] == cut
    assert b"dkim=none" in field


def test_a_forged_result_that_is_the_whole_message_is_taken_out(checking: Server) -> None:
    with checking.client("mail.example.com") as client:
        assert stored(checking, send(client, FORGED % b"mx.example.test"))[2] == b""


def test_a_header_section_over_256_kib_is_552_at_the_true_end(checking: Server) -> None:
    fields = b"X: " + b"x" * 995 + b"\r\n"
    with checking.client("mail.example.com") as client:
        for octets in (fields * 263 + b"\r\nbody\r\n", fields * 300, b"x" * 300_000 + b"\r\n"):
            client.begin()
            client.send(octets)
            client.send(b"QUIT\r\n..\r\n.\r\n")
            client.expect("552 5.3.4 header section too large")
        assert stored(checking, send(client, fields * 262 + b"\r\nbody\r\n"))[2].endswith(b"body\r\n")
    checking.wait_for_empty_tmp()


def test_a_domain_that_asks_for_it_refuses_only_what_its_owner_asks_to_reject(checking: Server) -> None:
    with checking.client("mail.example.com") as client:
        eve = "<eve@liar.test>"
        refused = send(client, UNSIGNED, "carol@strict.test", "dave@strict.test", sender=eve)
        assert refused == "550 5.7.26 example.com did not send this, and asks to reject such mail (DMARC)"
        assert send(client, signed(), "carol@strict.test", sender=eve).startswith("250")
        listed = b"List-Id: <friends.example.com>\r\n" + UNSIGNED
        assert send(client, listed, "carol@strict.test", sender=eve).startswith("550")
        other = UNSIGNED.replace(b"alice@example.com", b"eve@liar.test")
        assert send(client, other, "carol@strict.test", sender=eve).startswith("250"), "no policy"
        assert send(client, UNSIGNED, "alice@example.test", sender=eve).startswith("250")
    checking.wait_for_log(
        r"event=refused id=.* to=<carol@strict.test>.* reason=\"550 5.7.26 .* dkim=none spf=fail dmarc=fail "
        r"author=example.com policy=reject "
    )
    assert len(checking.messages("carol@strict.test")) == 2
    assert checking.messages("dave@strict.test") == []


def test_recipients_whose_domains_treat_forged_mail_differently_get_messages_of_their_own(
    checking: Server,
) -> None:
    with checking.client("mail.example.com") as client:
        client.ask("MAIL FROM:<eve@liar.test>", 250)
        client.ask("RCPT TO:<alice@example.test>", 250)
        client.ask("RCPT TO:<carol@strict.test>", "452 4.5.3")
        client.ask("RCPT TO:<bob@example.test>", 250)
        client.ask("RSET", 250)
        client.ask("MAIL FROM:<eve@liar.test>", 250)
        client.ask("RCPT TO:<carol@strict.test>", 250)
        client.ask("RCPT TO:<alice@example.test>", "452 4.5.3")
        client.ask("DATA", 354)
        client.send(UNSIGNED + b".\r\n")
        client.expect("550 5.7.26")


def test_a_peer_without_a_recipient_asks_the_dns_nothing(checking: Server, nameserver: Nameserver) -> None:
    nameserver.asked.clear()
    with checking.client("mail.example.com") as client:
        client.ask("MAIL FROM:<eve@unheard.test>", 250)
        client.ask("RCPT TO:<nobody@example.test>", 550)
        client.ask("RCPT TO:<nobody@elsewhere.test>", 550)
        client.ask("RSET", 250)
        send(client, signed())
    assert not [name for name, _ in nameserver.asked if "unheard" in name]


# Without a resolver


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Path]:
    """A socket that takes questions and never answers."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "silent"))
        listening.listen(128)
        yield tmp_path / "silent"


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
    assert sorted(times)[10] < 0.1, times
    assert rest == signed()
    for method in (b"dkim", b"spf", b"dmarc", b"iprev"):
        assert method + b"=temperror" in field, field
    assert "refused" not in server.log_to_the_end()


def test_a_silent_resolver_costs_the_deadline_and_no_mail(silent: Path, serve: Callable[..., Server]) -> None:
    server = serve(resolver=silent, deadline=1)
    with server.client("mail.example.com") as client:
        began = time.monotonic()
        reply = send(client, signed())
        assert 0.9 < time.monotonic() - began < 1.5
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
    assert time.monotonic() - began < 5.0
