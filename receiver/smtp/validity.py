"""When a certificate ends: the field `notAfter` of RFC 5280 (4.1.2.5), read from DER.

The standard library reads it only from a certificate that has been verified, which an expired one never is.
"""

from __future__ import annotations

from datetime import UTC, datetime

_SEQUENCE, _VERSION = 0x30, 0xA0
_TIMES = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}  # UTCTime, GeneralizedTime


def not_after(der: bytes) -> str | None:
    """The time as RFC 3339 in UTC, or None if these octets are no certificate."""
    try:
        certificate = _content(der, _SEQUENCE)
        fields = _elements(_content(certificate, _SEQUENCE))
        if fields[0][0] == _VERSION:
            fields.pop(0)
        tag, validity = fields[3]  # after the serial number, the signature's algorithm and the issuer
        if tag != _SEQUENCE:
            return None
        tag, text = _elements(validity)[1]
        when = datetime.strptime(text.decode("ascii"), _TIMES[tag]).replace(tzinfo=UTC)
    except (ValueError, LookupError):
        return None
    # Years of two digits from 50 on are those of the last century; strptime puts the border at 69.
    if tag == 0x17 and when.year >= 2050:
        when = when.replace(year=when.year - 100)
    return when.isoformat().replace("+00:00", "Z")


def _content(octets: bytes, tag: int) -> bytes:
    found, content = _elements(octets)[0]
    if found != tag:
        raise ValueError("another element was expected")
    return content


def _elements(octets: bytes) -> list[tuple[int, bytes]]:
    """The elements that stand side by side: tag and content. Raises ValueError or IndexError."""
    elements, at = [], 0
    while at < len(octets):
        tag, length = octets[at], octets[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(octets[at : at + size], "big")
            at += size
        if at + length > len(octets):
            raise ValueError("an element is cut off")
        elements.append((tag, octets[at : at + length]))
        at += length
    return elements
