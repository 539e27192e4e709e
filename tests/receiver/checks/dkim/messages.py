"""Signed messages, zones with keys, and the results of the receiver for them."""

from __future__ import annotations

import asyncio
import atexit
import base64
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from receiver.checks import header_fields
from receiver.checks.dkim import Signatures
from receiver.checks.dns_query import TXT, Answer, TemporaryFailure
from receiver.checks.results import DKIM
from tests.receiver.checks.dkim.naive import Field, sign

NOW = 1_780_000_000
FIELDS: tuple[Field, ...] = (
    (b"From", b" Alice <alice@example.com>"),
    (b"To", b" bob@example.net"),
    (b"Subject", b" Hello  there,\r\n\tyou"),
)
BODY = b"Hello \t you\r\n\r\n \r\nBye\r\n\r\n"
TAGS = {"v": "1", "a": "rsa-sha256", "d": "example.com", "s": "sel", "c": "relaxed/relaxed"}
Records = Mapping[str, Sequence[bytes] | None]
"""TXT records by name. None: the servers do not answer."""


class Zone:
    """A resolver that knows these records alone, and counts the questions."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.asked: list[str] = []

    async def query(self, name: str, kind: int) -> Answer:
        assert kind == TXT
        self.asked.append(name)
        found = self.records.get(name, ())
        if found is None:
            raise TemporaryFailure("SERVFAIL")
        return Answer(tuple(found), exists=bool(found))


@cache
def rsa(bits: int = 2048, exponent: int = 65537) -> RSAPrivateKey:
    return generate_private_key(exponent, bits)


@cache
def ed25519() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def der(key: RSAPrivateKey, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, form)


def record(key: RSAPrivateKey | Ed25519PrivateKey, more: str = "") -> bytes:
    """A key record, with more tags before p=."""
    if isinstance(key, RSAPrivateKey):
        return f"v=DKIM1; {more}p={base64.b64encode(der(key)).decode()}".encode()
    octets = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; {more}p={base64.b64encode(octets).decode()}".encode()


def unusual(bits: int, exponent: int) -> str:
    """p= of a key that nobody can sign with."""
    numbers = RSAPublicNumbers(exponent, (1 << bits - 1) | (1 << bits // 2) | 1)
    return base64.b64encode(
        numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode()


def zone(*records: bytes, name: str = "sel._domainkey.example.com") -> dict[str, Sequence[bytes] | None]:
    return {name: records or (record(rsa()),)}


def message(fields: Iterable[Field], body: bytes, *signatures: bytes) -> bytes:
    head = b"".join(name + b":" + value + b"\r\n" for name, value in fields)
    return b"".join(signatures) + head + b"\r\n" + body


def signed(
    tags: Mapping[str, str] | None = None,
    fields: Sequence[Field] = FIELDS,
    body: bytes = BODY,
    key: RSAPrivateKey | Ed25519PrivateKey | None = None,
    names: Sequence[bytes] = (b"from", b"subject"),
) -> bytes:
    """A message with a signature. `tags` are put in place of those of TAGS; an empty one is left out."""
    wanted = {name: value for name, value in {**TAGS, **(tags or {})}.items() if value is not None}
    return message(fields, body, sign(fields, body, key or rsa(), wanted, names))


def results(
    octets: bytes, records: Records | None = None, piece: int = 65536, now: float = NOW
) -> list[DKIM]:
    """The results for a whole message, whose body comes in pieces of that many octets."""
    head, _, body = octets.partition(b"\r\n\r\n")
    signatures = Signatures(header_fields.split(head + b"\r\n"), now=now)
    for at in range(0, len(body), piece):
        signatures.update(body[at : at + piece])
    ask(signatures, zone() if records is None else records)
    return signatures.results()


def ask(signatures: Signatures, records: Records) -> None:
    """Ask a zone for the keys."""
    _loop().run_until_complete(signatures.ask(Zone(records)))


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop for all messages, since making one takes longer than most messages."""
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


def result(octets: bytes, records: Records | None = None, **more: float) -> DKIM:
    """The result of the one signature."""
    (only,) = results(octets, records, **more)  # type: ignore[arg-type]
    return only
