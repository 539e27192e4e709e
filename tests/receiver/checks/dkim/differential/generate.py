"""Random messages, signed by dkimpy and then changed in small ways, with the zone that has their keys."""

from __future__ import annotations

import base64
import hashlib
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.receiver.checks.dkim.differential.changes import CHANGES
from tests.receiver.checks.dkim.messages import der, record, rsa
from tests.receiver.checks.dkim.naive import canonical_body, sign_field

DOMAIN = "example.com"


@dataclass(frozen=True)
class Case:
    message: bytes
    zone: dict[str, tuple[bytes, ...]]
    changes: tuple[str, ...]  # the names of what was done to it after it was signed


@cache
def _ed25519() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@cache
def zone() -> dict[str, tuple[bytes, ...]]:
    """The names of the selectors say what is published for them."""
    good, edwards = record(rsa(1024)), record(_ed25519())
    pkcs1 = b"v=DKIM1; p=" + base64.b64encode(der(rsa(1024), PublicFormat.PKCS1))
    published: dict[str, Sequence[bytes]] = {
        "r": [good],
        "e": [edwards],
        "spaced": [good.replace(b"p=", b"k = rsa ;\tp = ").replace(b"A", b"A ", 3)],
        "strict": [record(rsa(1024), "t=s; ")],
        "testing": [record(rsa(1024), "t=y; ")],
        "sha1": [record(rsa(1024), "h=sha1; ")],
        "sha256": [record(rsa(1024), "h=sha1:sha256; ")],
        "email": [record(rsa(1024), "s=email; ")],
        "report": [record(rsa(1024), "s=tlsrpt; ")],
        "revoked": [b"v=DKIM1; p="],
        "other": [record(rsa(1024, 3))],
        "several": [record(rsa(1024, 3)), good],
        "pkcs1": [pkcs1],
        "text": [b"v=spf1 -all"],
        "bare": [good.partition(b"; ")[2]],
        "version": [good.replace(b"DKIM1", b"DKIM2")],
    }
    return {f"{name}._domainkey.{DOMAIN}": tuple(records) for name, records in published.items()}


_RSA_SELECTORS = [each.partition(".")[0] for each in zone() if not each.startswith("e.")]


@cache
def _private(kind: str) -> bytes:
    if kind == "rsa":
        return rsa(1024).private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return base64.b64encode(_ed25519().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))


def case(seed: int) -> Case:
    """The message with that number. It is the same whenever it is made, but for the keys and the time."""
    dice = random.Random(seed)
    body = _body(dice)
    fields = _fields(dice)
    message = b"".join(name + b":" + value + b"\r\n" for name, value in fields) + b"\r\n" + body
    for _ in range(dice.choice([1, 1, 1, 1, 2, 3])):
        make = _odd_signature if dice.random() < 0.4 else _signature
        message = make(dice, message, fields) + message
    head, _, body = message.partition(b"\r\n\r\n")
    names = []
    for _ in range(dice.choice([0, 0, 1, 1, 1, 1, 2])):
        name = dice.choice(list(CHANGES))
        names.append(name)
        head, body = CHANGES[name](dice, head, body)
    return Case(head + b"\r\n\r\n" + body, zone(), tuple(names))


def _signature(dice: random.Random, message: bytes, fields: Sequence[tuple[bytes, bytes]]) -> bytes:
    kind = dice.choice(["rsa", "rsa", "rsa", "ed25519"])
    selector = "e" if kind == "ed25519" else dice.choice(["r"] * 20 + _RSA_SELECTORS)
    names = [name for name, _ in fields if name.lower().strip() == b"from" or dice.random() < 0.8]
    if dice.random() < 0.4:
        names += [b"Subject", b"From", b"X-None"]
    identity = dice.choice([None, None, b"@example.com", b"list@news.example.com", b"a.b+c@x.example.com"])
    signed: bytes = dkim.sign(
        message,
        selector.encode(),
        DOMAIN.encode(),
        _private(kind),
        identity=identity,
        signature_algorithm=kind.encode() + b"-sha256",
        canonicalize=(dice.choice([b"simple", b"relaxed"]), dice.choice([b"simple", b"relaxed"])),
        include_headers=[name.strip() for name in names],
        length=dice.random() < 0.1,
    )
    return signed


def _odd_signature(dice: random.Random, message: bytes, fields: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A signature that is good, in a form that is seldom seen."""
    kind = dice.choice(["rsa", "rsa", "rsa", "ed25519"])
    header, body = (dice.choice(["simple", "relaxed"]) for _ in range(2))
    names = [name for name, _ in fields if name.lower() == b"from" or dice.random() < 0.6]
    names += dice.choice([[], [], [b"FROM", b"x-none"], [b"DKIM-Signature"], names])
    octets = canonical_body(message.partition(b"\r\n\r\n")[2], body == "relaxed")
    tags = {
        "v": "1",
        "a": f"{kind}-sha256",
        "c": f"{header}/{body}",
        "d": dice.choice([DOMAIN, "Example.COM"]),
        "s": "e" if kind == "ed25519" else dice.choice(["r", "R"]),
        "h": dice.choice([":", " : ", ":\r\n\t", "\t:"]).join(name.decode() for name in names),
        "bh": base64.b64encode(hashlib.sha256(octets).digest()).decode(),
        **dice.choice(
            [{}, {"q": "dns/txt"}, {"t": "1117574938"}, {"x": "9999999999"}, {"z": "From:a=3Bb|To:c"}]
        ),
        **dice.choice(
            [{}, {"i": "@example.com"}, {"i": "a=20b@news.example.com"}, {"i": "\r\n\t@example.com"}]
        ),
        **dice.choice([{}] * 16 + [{"l": str(len(octets))}, {"l": "0"}, {"l": str(len(octets) + 1)}]),
    }
    if header == body == "simple" and dice.random() < 0.5:
        del tags["c"]
    elif body == "simple" and dice.random() < 0.5:
        tags["c"] = header
    if tags.get("l") == "0":
        tags["bh"] = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    listed = list(tags.items())
    dice.shuffle(listed)
    at = dice.randrange(len(listed) + 1)
    around = [dice.choice([""] * 24 + [" ", "\t", "\r\n  "]) for _ in range(4)]
    around[0] = around[0] or dice.choice([" ", "\r\n\t"])

    def written(part: list[tuple[str, str]]) -> str:
        return "".join(f"{around[0]}{tag}{around[1]}={around[2]}{value}{around[3]};" for tag, value in part)

    before = f"{written(listed[:at])}{around[0]}b{around[1]}={around[2]}".encode()
    after = (
        dice.choice([f"{around[3]};{written(listed[at:])}", f";{written(listed[at:])}"[:-1]])
        .rstrip()
        .encode()
    )
    existing = _split(message)
    key = rsa(1024) if kind == "rsa" else _ed25519()
    name = dice.choice([b"DKIM-Signature", b"dkim-signature", b"DKIM-SIGNATURE"])
    return sign_field(existing, key, name, before, after, header == "relaxed", names)


def _split(message: bytes) -> list[tuple[bytes, bytes]]:
    head = message.partition(b"\r\n\r\n")[0]
    fields = [each.partition(b":") for each in re.split(rb"\r\n(?![ \t])", head)]
    return [(name, value) for name, _, value in fields]


def _space(dice: random.Random) -> bytes:
    return dice.choice([b"", b" ", b"  ", b"\t", b" \t "])


def _word(dice: random.Random) -> bytes:
    return "".join(dice.choice("abcdefgh=.,;:-ä€") for _ in range(dice.randint(0, 12))).encode()


def _body(dice: random.Random) -> bytes:
    lines = []
    for _ in range(dice.choice([0, 0, 1, 2, 5, 40])):
        words = [_word(dice) for _ in range(dice.randint(0, 5))]
        lines.append(_space(dice).join(words) + _space(dice))
    ends = [b"", b"\r\n", b"\r\n", b"\r\n\r\n", b"\r\n \r\n", b"\r\n\t\r\n\r\n", b"\r\n" * 7, b"\r\n \t"]
    return b"\r\n".join(lines) + dice.choice(ends)


def _fields(dice: random.Random) -> list[tuple[bytes, bytes]]:
    fold = dice.choice([b"", b"\r\n " + _word(dice), b"\r\n\t \t" + _word(dice) + _space(dice)])
    fields = [
        (b"From", _space(dice) + b"A B <a@example.com>"),
        (b"To", b" x@y.test"),
        (b"Subject", _space(dice) + _word(dice) + _space(dice) + _word(dice) + fold),
        (b"Date", b" Wed, 25 Nov 2026 10:00:00 +0000"),
    ]
    for _ in range(dice.randint(0, 4)):
        name = dice.choice([b"X-A", b"x-a", b"X-B", b"References", b"List-Id", b"Content-Type"])
        fields.append((name, _space(dice) + _word(dice) + _space(dice)))
    if dice.random() < 0.05:
        fields.append((b"From", b" C D <c@example.com>"))
    dice.shuffle(fields)
    return fields
