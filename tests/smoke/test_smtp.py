"""Port 25 as the world reaches it."""

from __future__ import annotations

import socket
import ssl
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from tests.smoke.conftest import connected
from tests.waiting import wait_until

OFFERED = {"pipelining", "size", "8bitmime", "smtputf8", "enhancedstatuscodes", "chunking", "starttls"}


@pytest.mark.parametrize(("kind", "version"), [("A", "IPv4"), ("AAAA", "IPv6")])
def test_port_25_greets_by_the_name_in_the_mx(outside, mail_host, port_25, greetings, kind, version) -> None:
    published = outside.answers(mail_host.hostname, kind)
    if not published:
        pytest.skip(f"{mail_host.hostname} has no {kind} record")
    seen = [address for address in published if address in port_25]
    if not seen:
        pytest.skip(f"{outside.vantage.name} has no {version}, so it cannot judge {', '.join(published)}")
    for address in seen:
        assert greetings[address].is_by(mail_host.hostname), (address, greetings[address])


def test_ehlo_offers_what_senders_use_and_nothing_that_we_lack(port_25, outside) -> None:
    for address in port_25:
        with connected(address, outside) as smtp:
            assert set(smtp.esmtp_features) == OFFERED, address
            assert int(smtp.esmtp_features["size"]) >= 10_000_000


def test_starttls_works_with_a_valid_certificate_in_the_hosts_name(port_25, outside, mail_host) -> None:
    for address in port_25:
        with connected(address, outside) as smtp:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            assert smtp.starttls(context=context)[0] == 220
            assert smtp.sock.version() in ("TLSv1.2", "TLSv1.3")
            certificate = x509.load_der_x509_certificate(smtp.sock.getpeercert(binary_form=True))
            smtp.ehlo()
            assert set(smtp.esmtp_features) == OFFERED - {"starttls"}
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert mail_host.hostname in names.get_values_for_type(x509.DNSName), address
        now = datetime.now(UTC)
        assert certificate.not_valid_before_utc <= now, address
        assert certificate.not_valid_after_utc > now + timedelta(days=7), address


@pytest.mark.parametrize(
    "recipient",
    [
        "someone@example.org",
        "@{domain}:someone@example.org",
        "someone%example.org@{domain}",
        "example.org!someone@{domain}",
        '"someone@example.org"@{domain}',
        "someone@[127.0.0.1]",
        "someone@localhost",
    ],
)
@pytest.mark.parametrize("sender", ["", "stranger@smoke.invalid", "postmaster@{domain}"])
def test_nothing_is_relayed(session, domain, recipient, sender) -> None:
    local_part_is_ours = recipient.endswith("@{domain}")
    if domain.catch_all and local_part_is_ours:
        pytest.skip(f"{domain.name} has a catch-all, so this is a name of its own")
    assert session.mail(sender.format(domain=domain.name))[0] == 250
    code, text = session.docmd(f"RCPT TO:<{recipient.format(domain=domain.name)}>")
    assert 500 <= code < 600, f"an open relay: {code} {text!r}"


def test_an_unknown_recipient_is_refused(session, domain) -> None:
    if domain.catch_all:
        pytest.skip(f"{domain.name} has a catch-all")
    session.mail("stranger@smoke.invalid")
    code, text = session.rcpt(f"nobody-{uuid.uuid4().hex}@{domain.name}")
    assert (code, text.split()[0]) == (550, b"5.1.1")


def test_every_mailbox_alias_and_postmaster_is_accepted(session, domain) -> None:
    for name in dict.fromkeys([*domain.mailboxes, *domain.aliases, "postmaster"]):
        session.rset()
        session.mail("")
        assert session.rcpt(f"{name}@{domain.name}")[0] == 250, name


def test_a_probe_is_stored_byte_for_byte_and_removed(session, domain, take_probe) -> None:
    """It lies in the first mailbox until the test has seen it over ssh, which removes it."""
    mark = uuid.uuid4().hex
    message = (
        f"From: Smoke test <stranger@smoke.invalid>\r\nTo: <{domain.mailboxes[0]}@{domain.name}>\r\n"
        f"Subject: Letterbox smoke test {mark}\r\nMessage-ID: <{mark}@smoke.invalid>\r\n\r\n"
        ".a line that begins with a dot\r\n\r\nlast line\r\n"
    )
    session.sendmail("stranger@smoke.invalid", [f"{domain.mailboxes[0]}@{domain.name}"], message.encode())
    taken = wait_until(lambda: take_probe(domain.name, domain.mailboxes[0], mark), "the probe is stored")
    assert len(taken) == 1, f"{len(taken)} copies of the probe"
    trace, first, rest = taken[0][1].partition(b"From: Smoke test")
    assert first + rest == message.encode()
    assert trace.startswith(b"Return-Path: <stranger@smoke.invalid>\r\n")
    assert take_probe(domain.name, domain.mailboxes[0], mark) == []


def test_nothing_but_ssh_and_smtp_answers(deployed, port_25) -> None:
    """It tries ports that people forget open. Only in the lab, where it is known what should be open."""
    if deployed is None:
        pytest.skip("a real host may serve other things")
    forgotten = (21, 23, 53, 80, 110, 111, 143, 443, 465, 587, 993, 995, 2525, 3306, 5432, 6379, 8000, 8080)
    ports = (22, 25, *forgotten)
    for address in port_25:
        # All at once, because the firewall refuses by ICMP messages, of which a host sends few in a second.
        with ThreadPoolExecutor(len(ports)) as pool:
            answering = list(pool.map(lambda port, to=address: _answers(to, port), ports))
        assert [port for port, yes in zip(ports, answering, strict=True) if yes] == [22, 25]


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=5).close()
    except OSError:
        return False
    return True
