"""Port 25 as the world reaches it."""

import smtplib
import socket
import ssl
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from provision import layout
from tests.smoke.conftest import SECONDS


def test_every_address_greets_by_the_name_in_the_mx(addresses, mail_host):
    assert addresses
    for address in addresses:
        with smtplib.SMTP(timeout=SECONDS) as smtp:
            code, text = smtp.connect(address, 25)
        assert (code, text.split()[0].decode()) == (220, mail_host.hostname), address


def test_ehlo_offers_what_senders_use(session):
    assert {"pipelining", "size", "8bitmime", "smtputf8", "starttls"} <= set(session.esmtp_features)


def test_starttls_works_with_a_certificate_in_the_hosts_name(session, mail_host):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    assert session.starttls(context=context)[0] == 220
    assert session.sock.version() in ("TLSv1.2", "TLSv1.3")
    assert mail_host.hostname.encode() in session.sock.getpeercert(binary_form=True)
    assert "starttls" not in _features_after_ehlo(session)


def _features_after_ehlo(session: smtplib.SMTP) -> dict[str, str]:
    session.ehlo()
    return session.esmtp_features


def test_mail_for_a_domain_that_is_not_ours_is_refused(session):
    session.mail("stranger@smoke.invalid")
    code, text = session.rcpt("someone@example.org")
    assert (code, text.split()[0]) == (550, b"5.7.1"), "an open relay"


def test_an_unknown_recipient_is_refused(session, domain):
    if domain.catch_all:
        pytest.skip(f"{domain.name} has a catch-all")
    session.mail("stranger@smoke.invalid")
    code, text = session.rcpt(f"nobody-{uuid.uuid4().hex}@{domain.name}")
    assert (code, text.split()[0]) == (550, b"5.1.1")


def test_postmaster_is_accepted(session, domain):
    session.mail("")
    assert session.rcpt(f"postmaster@{domain.name}")[0] == 250


def test_a_message_is_stored_byte_for_byte(session, domain, host):
    """The probe lies in the first mailbox, unread, until it has been seen there; then it is removed."""
    mark = uuid.uuid4().hex
    message = (
        f"From: Smoke test <stranger@smoke.invalid>\r\nTo: <{domain.mailboxes[0]}@{domain.name}>\r\n"
        f"Subject: Letterbox smoke test {mark}\r\nMessage-ID: <{mark}@smoke.invalid>\r\n\r\n"
        ".a line that begins with a dot\r\n\r\nlast line\r\n"
    )
    folder = f"{layout.MAIL}/{domain.name}/{domain.mailboxes[0]}/new"
    session.sendmail("stranger@smoke.invalid", [f"{domain.mailboxes[0]}@{domain.name}"], message.encode())
    path = _wait_for(host, folder, mark)
    stored = host.file(path).content
    host.check_output(f"rm {path}")
    trace, blank_or_header, rest = stored.partition(b"From: Smoke test")
    assert blank_or_header + rest == message.encode()
    assert trace.startswith(b"Return-Path: <stranger@smoke.invalid>\r\n")


def _wait_for(host, folder: str, mark: str) -> str:
    """The path of the message with this mark in it; 250 means that it is there, or will be after recovery."""
    late = time.monotonic() + SECONDS
    while True:
        found = host.run(f"grep -rlF {mark} {folder}").stdout.split()
        if found or time.monotonic() > late:
            assert len(found) == 1, f"{len(found)} copies of the probe in {folder}"
            return found[0]


def test_nothing_but_ssh_and_smtp_answers(deployed, addresses):
    """Only in the lab, where what is to be open is known: the ports that people forget open."""
    if deployed is None:
        pytest.skip("a real host may serve other things")
    forgotten = (21, 23, 53, 80, 110, 111, 143, 443, 465, 587, 993, 995, 2525, 3306, 5432, 6379, 8000, 8080)
    ports = (22, 25, *forgotten)
    for address in addresses:
        # At once: a refusal by the firewall is an ICMP message, of which a host sends few in a second.
        with ThreadPoolExecutor(len(ports)) as pool:
            answering = list(pool.map(lambda port, to=address: _answers(to, port), ports))
        assert [port for port, yes in zip(ports, answering, strict=True) if yes] == [22, 25]


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=5).close()
    except OSError:
        return False
    return True
