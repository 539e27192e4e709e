"""STARTTLS on a real connection."""

from __future__ import annotations

import os
import signal
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.receiver.certificates import make_certificate
from tests.receiver.processes import wait_until
from tests.receiver.server import Server


def test_a_message_over_tls_says_so_in_its_trace_and_in_the_log(server: Server) -> None:
    with server.client() as client:
        client.starttls()
        offers = client.ask("EHLO secret.test", 250)
        assert "STARTTLS" not in offers and "PIPELINING" in offers
        client.begin()
        client.send(b"Subject: secured\r\n\r\n" + b"x" * 70_000 + b"\r\n.\r\n")
        identity = client.expect("250 2.0.0").split()[-1]
        client.ask("QUIT", 221)
        assert client.closed()
    (message,) = [each for each in server.messages() if b"Subject: secured" in each]
    assert b"with ESMTPS\r\n\t(using TLSv1.3 with cipher TLS_" in message
    server.wait_for_log(rf"event=received id={identity} .* tls=TLSv1.3 ")


def test_input_from_before_tls_is_not_used_after_it(server: Server) -> None:
    with server.client() as client:
        client.begin("bob@example.test")
        client.send(b".\r\n")
        client.expect(250)
        client.ask("MAIL FROM:<injected@evil.test>", 250)
        client.send(b"STARTTLS\r\nNOOP\r\nMAIL FROM:<injected@evil.test>\r\n")
        client.expect("220 2.0.0")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client.socket = context.wrap_socket(client.socket)
        client.ask("MAIL FROM:<a@b.test>", "503 5.5.1 Say HELO")
        client.ask("EHLO x", 250)
        client.ask("RCPT TO:<alice@example.test>", "503 5.5.1 Say MAIL")
        client.ask("STARTTLS", "503 5.5.1")


def test_without_a_certificate_starttls_is_not_offered(serve: Callable[..., Server]) -> None:
    with serve().client(helo=None) as client:
        assert "STARTTLS" not in client.ask("EHLO x", 250)
        client.ask("STARTTLS", "502 5.5.1")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls_below_1_2_is_refused_and_the_others_are_served_on(server: Server) -> None:
    with server.client() as client:
        client.ask("STARTTLS", 220)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(client.socket)
    server.wait_for_log("event=refused peer=127.0.0.1 reason=.TLS handshake failed")
    server.client().ask("NOOP", 250)


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.mark.parametrize("name", ["example.test", "mx.example.test", "somebody.else.test"])
def test_a_sender_may_ask_for_any_name(server: Server, name: str) -> None:
    """Some ask for the recipient's domain (SNI). There is one certificate, and everybody gets it."""
    with server.client() as client:
        client.ask("STARTTLS", 220)
        client.socket = _unverified().wrap_socket(client.socket, server_hostname=name)
        client.ask("EHLO x", 250)


def test_no_session_ticket_is_given(server: Server) -> None:
    with server.client() as client:
        client.ask("STARTTLS", 220)
        client.socket = _unverified().wrap_socket(client.socket)
        client.ask("EHLO x", 250)  # a client reads tickets with the first octets that follow the handshake
        assert client.socket.version() == "TLSv1.3"
        session = client.socket.session
        assert session is None or not session.has_ticket


def served_certificate(server: Server) -> bytes:
    with server.client() as client:
        client.starttls()
        assert isinstance(client.socket, ssl.SSLSocket)
        return client.socket.getpeercert(binary_form=True) or b""


def test_a_new_certificate_is_used_without_a_restart(serve: Callable[..., Server], tmp_path: Path) -> None:
    files = make_certificate(tmp_path, "old.test")
    server = serve(certificate=files)
    old = served_certificate(server)
    (tmp_path / "new").mkdir()
    for source, target in zip(make_certificate(tmp_path / "new", "new.test"), files, strict=True):
        source.replace(target)
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("event=certificate reloaded=")
    new = served_certificate(server)
    assert new != old
    files[1].write_text("nonsense")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("event=certificate error=.*the last good one stays")
    assert served_certificate(server) == new


def test_a_changed_certificate_is_noticed_without_being_told(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    files = make_certificate(tmp_path, "old.test")
    server = serve(certificate=files)
    os.utime(files[0], (1, 1))

    def noticed() -> bool:  # looked at once a second, when somebody wants TLS
        served_certificate(server)
        return "event=certificate reloaded=" in server.log

    wait_until(noticed, "the certificate is reloaded")
    assert server.process.poll() is None
