"""The report in a mail (RFC 8460 section 5.3): finding its part, decoding and unpacking it. Pure.

Senders do not keep to the media types, so the name of the file counts as well. What is unpacked has a limit.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from receiver.content import mime, plain
from receiver.content.mime import Buffer, Part
from receiver.tls_reports.values import NotReadable

LARGEST = 4 << 20  # octets of the reports of one mail, unpacked
_LARGEST_ENCODED = 6 << 20  # octets: as base64 has a third more
_MOST_PARTS = 4  # reports in one mail
_MOST_MEMBERS = 16  # in one gzip file (RFC 1952 section 2.2)

_GZIP = b"\x1f\x8b"
_TYPES = {"application/tlsrpt+gzip", "application/tlsrpt+json"}
_USUAL_TYPES = {"application/gzip", "application/x-gzip", "application/json", "application/octet-stream"}
_NAMES = (".json", ".json.gz", ".json.gzip")
_ENCRYPTED = {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}


def reports(message: Buffer) -> Iterator[bytes | NotReadable]:
    """The JSON of each report in a mail, or why it cannot be read. Nothing if the mail is no report.

    A message inside the mail is not looked into, because nobody vouches for who wrote it.
    """
    root = mime.parse(message)
    parts = list(_leaves(root))
    if any(part.content_type in _ENCRYPTED for part in (root, *parts)):
        yield NotReadable("it is encrypted")
        return
    claims = _claims_to_be_one(root)
    found = [part for part in parts if _is_report(part, claims)][:_MOST_PARTS]
    if not found and claims:
        yield NotReadable("it holds no file with a report")
    left = LARGEST
    for part in found:
        try:
            octets = _unpacked(_octets(message, part), left)
        except NotReadable as error:
            yield error
            continue
        left -= len(octets)
        yield octets


def _leaves(part: Part) -> Iterator[Part]:
    waiting = [part]
    while waiting:
        each = waiting.pop()
        if each.children and not each.is_message:
            waiting += reversed(each.children)
        else:
            yield each


def _claims_to_be_one(root: Part) -> bool:
    return (
        root.parameters.get("report-type", "").strip().lower() == "tlsrpt"
        or bool(root.fields.raw("tls-report-domain"))
        or root.fields.raw("subject").lower().startswith(b"report domain:")
    )


def _is_report(part: Part, claims: bool) -> bool:
    if part.is_message:
        return False
    name = part.filename.strip().lower()
    is_usual = part.content_type in _USUAL_TYPES and not name
    return part.content_type in _TYPES or name.endswith(_NAMES) or (claims and is_usual)


def _octets(message: Buffer, part: Part) -> bytes:
    if part.end - part.start > _LARGEST_ENCODED:
        raise NotReadable(f"it is larger than {LARGEST >> 20} MiB")
    return plain.octets(message, part, _LARGEST_ENCODED)


def _unpacked(octets: bytes, limit: int) -> bytes:
    """The content of a gzip file, or the octets themselves. Raises NotReadable."""
    found, left, rest = b"", limit, octets
    for _ in range(_MOST_MEMBERS):
        if not rest.startswith(_GZIP):
            break
        member = zlib.decompressobj(wbits=31)  # gzip alone, with its checksum
        try:
            piece = member.decompress(rest, left + 1)
        except zlib.error:
            raise NotReadable("its gzip file is damaged") from None
        if len(piece) > left:
            raise NotReadable(f"it is larger than {LARGEST >> 20} MiB")
        if not member.eof:
            raise NotReadable("its gzip file is cut short")
        found, left, rest = found + piece, left - len(piece), member.unused_data
    if rest is octets:
        if len(octets) > limit:
            raise NotReadable(f"it is larger than {LARGEST >> 20} MiB")
        return octets
    return found
