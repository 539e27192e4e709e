"""Messages that are prepared before a load, so that signing them costs nothing while it runs.

Each has a header section and a signature of its own. All have one body. The signature is by RSA with
SHA-256, relaxed/relaxed (RFC 6376). Fields and body are written in the relaxed form, so that there is nothing
to canonicalize but the case of the names and the folding of the signature's own field.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from benchmarks.mail.checks.senders import SELECTOR, Sender

_RECIPIENT = "alice@example.test"
_BOUNDARY = "=_prepared"
# Words of usual lengths, so that a line of text has as many spaces as in real mail.
_WORDS = (
    "the",
    "of",
    "and",
    "a",
    "message",
    "that",
    "was",
    "forwarded",
    "by",
    "somebody",
    "who",
    "tomorrow",
    "is",
)
_SIGNED = ("from", "to", "subject", "date", "message-id", "mime-version", "content-type")


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """Files for `smtp_load -p -b`, and the address that its first session connects from."""

    heads: Path
    body: Path
    address: str


def prepare(folder: Path, senders: Sequence[Sender], number: int, octets: int, *, signed: bool) -> Prepared:
    """Write so many messages of about that size, from the senders in turn, into the folder."""
    body, heads = messages(senders, number, octets, signed=signed)
    (folder / "body").write_bytes(body)
    with (folder / "heads").open("wb") as file:
        for sender, head in heads:
            file.write(f"{sender.mailbox}\r\n".encode() + head)
    return Prepared(folder / "heads", folder / "body", senders[0].address)


def messages(
    senders: Sequence[Sender], number: int, octets: int, *, signed: bool
) -> tuple[bytes, Iterator[tuple[Sender, bytes]]]:
    """The body of so many messages, and the sender and the header section, with its empty line, of each."""
    content_type, body = content(octets)
    hashed = base64.b64encode(hashlib.sha256(body).digest()).decode()

    def head(number: int) -> tuple[Sender, bytes]:
        sender = senders[number % len(senders)]
        fields = _fields(sender, number, content_type)
        signature = _signature(sender, fields, hashed) if signed else b""
        section = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return sender, signature + section.encode() + b"\r\n"

    with ThreadPoolExecutor() as pool:
        return body, iter(list(pool.map(head, range(number))))


def content(octets: int) -> tuple[str, bytes]:
    """A Content-Type, and a body of about so many octets: text, and if large an attachment in base64."""
    if octets < 100_000:
        return "text/plain; charset=us-ascii", _text(octets)
    chance = random.Random(octets)
    encoded = base64.b64encode(chance.randbytes((octets - 10_240) * 57 // 78)).decode()
    lines = [encoded[at : at + 76] for at in range(0, len(encoded), 76)]
    parts = [
        f"--{_BOUNDARY}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        _text(10_240).decode().rstrip(),
    ]
    parts += [f"--{_BOUNDARY}", "Content-Type: application/octet-stream"]
    parts += ["Content-Transfer-Encoding: base64", "", *lines, f"--{_BOUNDARY}--", ""]
    return f"multipart/mixed; boundary={_BOUNDARY}", "\r\n".join(parts).encode()


def _text(octets: int) -> bytes:
    chance, lines, size = random.Random(octets), list[str](), 0
    while size < octets:
        line = ""
        while len(line) < 66:
            line += f" {chance.choice(_WORDS)}"
        lines.append(line[1:])
        size += len(line) + 1
    return "".join(f"{line}\r\n" for line in lines).encode()


def _fields(sender: Sender, number: int, content_type: str) -> dict[str, str]:
    return {
        "From": f"A Sender <{sender.mailbox}>",
        "To": f"<{_RECIPIENT}>",
        "Subject": f"Message number {number}",
        "Date": formatdate(),
        "Message-ID": f"<{number}.{time.time_ns()}@{sender.domain}>",
        "MIME-Version": "1.0",
        "Content-Type": content_type,
    }


def _signature(sender: Sender, fields: dict[str, str], hashed: str) -> bytes:
    """The DKIM-Signature field (RFC 6376 section 3.5)."""
    tags = [
        f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={sender.domain}; s={SELECTOR};",
        f"h={':'.join(_SIGNED)};",
        f"t={int(time.time())}; bh={hashed};",
        "b=",
    ]
    by_name = {name.lower(): value for name, value in fields.items()}
    covered = "".join(f"{name}:{by_name[name]}\r\n" for name in _SIGNED)
    covered += f"dkim-signature:{' '.join(tags)}"
    signed = sender.key.sign(covered.encode(), padding.PKCS1v15(), hashes.SHA256())
    lines = base64.encodebytes(signed).decode().splitlines()
    return ("DKIM-Signature: " + "\r\n\t".join(tags) + "\r\n\t ".join(lines) + "\r\n").encode()
