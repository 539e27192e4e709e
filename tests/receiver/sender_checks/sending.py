"""Signed mail, the zones that its checks need, and what is stored of it."""

from __future__ import annotations

from tests.receiver.checks.dkim.messages import BODY, FIELDS, message, record, rsa
from tests.receiver.server import Server
from tests.receiver.wire import Client

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
