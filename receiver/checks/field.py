"""Write the Authentication-Results field (RFC 8601). Pure.

Most values come from strangers. They can get out only as a token (RFC 2045), as an address or as a quoted
string, so they can neither end the field nor look like a result. The field is ASCII in any message, because
UTF-8 is allowed in internationalized messages only, and many parsers know none. A character beyond ASCII
becomes "?". Domain names come as A-labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from receiver.checks.results import DKIM, DMARC, SPF, Reverse

_WIDTH = 78  # octets of a line, if there is a place to fold it (RFC 5322 section 2.1.1)
_LENGTHS = (330, 120, 40)  # octets of a value: the first with which the field fits
_LONGEST_NAME = 260  # octets of a domain name that is never cut

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"(?:{_ATOM}(?:\.{_ATOM})*)?@{_LABEL}(?:\.{_LABEL})*")
_PIECES = {
    chr(code): ("\\" if chr(code) in '"\\' else "") + chr(code) for code in range(0x20, 0x7F)
}  # qcontent
_NOT_IN_COMMENT = re.compile(r"[^ -'*-\[\]-~]")  # parentheses, backslash, control characters, beyond ASCII


def write(
    hostname: str,
    reverse: Reverse | None,
    peer: str,
    spf: SPF,
    dkim: Sequence[DKIM],
    dmarc: DMARC,
    room: int = 2048,
) -> bytes:
    """The whole field with its final CRLF, in at most `room` octets. `room` must be at least 1,600.

    `hostname` is the authserv-id. `peer` is the IP address that `reverse` is about. If the field is too long,
    signatures are left out with a count, first the last ones that did not pass. If one signature alone is too
    long, values are cut to "..." and their end.
    """
    for length in _LENGTHS:
        kept = list(dkim)
        while True:
            parts = [
                *_signatures(kept, len(dkim) - len(kept), length),
                _spf(spf, length),
                _dmarc(dmarc, length),
                *([_reverse(reverse, peer, length)] if reverse else []),
            ]
            field = _folded(_value(hostname, _LONGEST_NAME), parts)
            if len(field) <= room:
                return field
            if len(kept) <= 1:
                break
            failed = [at for at, each in enumerate(kept) if each.result != "pass"]
            del kept[failed[-1] if failed else -1]
    raise ValueError(f"the field does not fit into {room} octets")


def _signatures(kept: Sequence[DKIM], left_out: int, length: int) -> Iterator[list[str]]:
    for number, each in enumerate(kept or [DKIM("none")], start=1):
        words = [f"dkim={each.result}"]
        notes = [f"{each.bits} bits"] if each.bits else []
        notes += ["testing"] if each.testing else []
        if notes:
            words.append(_comment(", ".join(notes), length))
        words += _reason(each.reason, length)
        words += _properties(
            length,
            ("header.d", each.domain),
            ("header.i", each.identity),
            ("header.s", each.selector),
            ("header.a", each.algorithm),
            ("header.b", each.signature),
        )
        if left_out and number == len(kept):
            words.append(_comment(f"{left_out} more signatures", length))
        yield words


def _spf(spf: SPF, length: int) -> list[str]:
    identity = "helo" if spf.identity == "helo" else "mailfrom"
    return [
        f"spf={spf.result}",
        *_reason(spf.reason, length),
        *_properties(length, (f"smtp.{identity}", spf.sender)),
    ]


def _dmarc(dmarc: DMARC, length: int) -> list[str]:
    words = [f"dmarc={dmarc.result}"]
    notes = [f"p={dmarc.policy} at {dmarc.published_at}"] if dmarc.policy else []
    notes += [f"aligned {dmarc.method}"] if dmarc.method else []
    if notes:
        words.append(_comment(", ".join(notes), _LONGEST_NAME + 40))
    words += _reason(dmarc.reason, length)
    # The reader is shown this domain, so it must be whole.
    return words + _properties(_LONGEST_NAME, ("header.from", dmarc.domain))


def _reverse(reverse: Reverse, peer: str, length: int) -> list[str]:
    words = [f"iprev={reverse.result}"]
    if reverse.name:
        words.append(_comment(reverse.name, length))
    return words + _properties(length, ("policy.iprev", peer))


def _reason(reason: str, length: int) -> list[str]:
    return [f"reason={_quoted(reason, length)}"] if reason else []


def _properties(length: int, *pairs: tuple[str, str]) -> list[str]:
    return [f"{name}={_value(value, length)}" for name, value in pairs if value]


def _value(text: str, length: int) -> str:
    """A token or an address, if `text` is one. Its local part may be missing. Else a quoted string."""
    if len(text) <= length and (_TOKEN.fullmatch(text) or _ADDRESS.fullmatch(text)):
        return text
    return _quoted(text, length)


def _quoted(text: str, length: int) -> str:
    return '"' + _end([_PIECES.get(character, "?") for character in text[-length - 1 :]], length) + '"'


def _comment(text: str, length: int) -> str:
    return f"({_end(list(_NOT_IN_COMMENT.sub('?', text[-length - 1 :])), length)})"


def _end(pieces: list[str], length: int) -> str:
    """The pieces joined. If they are longer than `length` octets, as many of the last as fit after "..."."""
    whole = "".join(pieces)
    if len(whole) <= length:
        return whole
    left, start = length - 3, len(pieces)
    while left >= len(pieces[start - 1]):
        start -= 1
        left -= len(pieces[start])
    return "..." + "".join(pieces[start:])


def _folded(identifier: str, parts: Sequence[list[str]]) -> bytes:
    """The field of an authserv-id and of results, each of them as its words."""
    lines = ["Authentication-Results:"]
    _append(lines, identifier, "\t")
    for words in parts:
        lines[-1] += ";"
        lines.append("\t" + words[0])
        for word in words[1:]:
            _append(lines, word, "\t\t")
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _append(lines: list[str], word: str, indent: str) -> None:
    """Append a word to the last line, or put it on a new one. A long comment is folded at its spaces.

    A line always has room for the semicolon that may follow.
    """
    if len(lines[-1]) + len(word) + 2 <= _WIDTH:
        lines[-1] += " " + word
    elif word.startswith("(") and " " in word and len(indent) + len(word) >= _WIDTH:
        for piece in word.split(" "):
            _append(lines, piece, indent)
    else:
        lines.append(indent + word)
