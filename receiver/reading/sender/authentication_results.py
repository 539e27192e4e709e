"""Parse the Authentication-Results field that this host wrote (RFC 8601). Pure. Never raises.

The parser is strict, because it reads what `receiver.checks.field` writes and nothing else. A field of
another form gives no results: it is not ours, or it is that of a later version. No encoded word is decoded,
because a decoded word could hold a quote that ends a stranger's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from receiver.checks.results import DKIM, DMARC, SPF, Reverse

_RESULTS = frozenset({"none", "pass", "fail", "softfail", "neutral", "policy", "temperror", "permerror"})
_IDENTIFIER = re.compile(r"[ \t]*[!#-\'*-:<-~]{1,300}[ \t]*(?=;)")
_PIECE = re.compile(
    r"[ \t]*(?:(?P<end>;)|\((?P<comment>[^()\\]*)\)"
    r'|(?P<name>[a-z][a-z0-9.-]*)=(?:"(?P<quoted>(?:[^"\\]|\\["\\])*)"|(?P<plain>[!#-\'*-:<-~]+)))'
)
_KEY = re.compile(r"(\d{1,5}) bits")
_POLICY = re.compile(r"(?:p=(none|quarantine|reject) at (\S+?))?(?:(?:, |^)aligned (dkim|spf))?")


@dataclass(frozen=True, slots=True)
class Results:
    """The results of one message. What the field does not say is empty or None."""

    dmarc: DMARC
    spf: SPF | None = None
    dkim: tuple[DKIM, ...] = ()
    reverse: Reverse | None = None


@dataclass(slots=True)
class _Part:
    """The result of one method, with its comments and its properties."""

    method: str
    result: str
    comments: list[str] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)

    def said(self, name: str) -> str:
        return self.properties.get(name, "")

    def add(self, name: str, plain: str | None, quoted: str | None) -> None:
        """Add a property. Raises ValueError if there is one of the name already."""
        if name in self.properties:
            raise ValueError
        self.properties[name] = re.sub(r"\\(.)", r"\1", quoted or "") if plain is None else plain


def parse(value: bytes) -> Results | None:
    """The results in the value of a field, unfolded. None if it has not the form of our own field."""
    try:
        parts = list(_parts(value.decode("ascii")))
        spf = [_spf(part) for part in parts if part.method == "spf"]
        (dmarc,) = (_dmarc(part) for part in parts if part.method == "dmarc")
        reverse = [_reverse(part) for part in parts if part.method == "iprev"]
    except ValueError:
        return None
    if len(spf) > 1 or len(reverse) > 1:
        return None
    dkim = tuple(_dkim(part) for part in parts if part.method == "dkim" and part.result != "none")
    return Results(dmarc, spf[0] if spf else None, dkim, reverse[0] if reverse else None)


def _parts(text: str) -> Iterator[_Part]:
    """The parts of a field. Raises ValueError if any character is not where we write it."""
    identifier = _IDENTIFIER.match(text)
    if identifier is None:
        raise ValueError
    at, text = identifier.end(), text.rstrip(" \t")
    part: _Part | None = None
    begins = False
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:
            raise ValueError
        at = piece.end()
        if piece["end"]:
            if begins:
                raise ValueError
            if part:
                yield part
            part, begins = None, True
        elif begins:
            if piece["plain"] not in _RESULTS:
                raise ValueError
            part, begins = _Part(piece["name"], piece["plain"]), False
        elif part is None:
            raise ValueError
        elif piece["comment"] is None:
            part.add(piece["name"], piece["plain"], piece["quoted"])
        elif comment := piece["comment"].strip("- \t"):  # Dashes fill the room that the field did not need.
            part.comments.append(" ".join(comment.split()))
    if part is None:
        raise ValueError
    yield part


def _dkim(part: _Part) -> DKIM:
    bits = [found for each in part.comments if (found := _KEY.match(each))]
    return DKIM(
        part.result,
        part.said("reason"),
        part.said("header.d").lower(),
        part.said("header.s"),
        part.said("header.i"),
        part.said("header.a"),
        part.said("header.b"),
        int(bits[0][1]) if bits else 0,
        any("testing" in each.split(", ") for each in part.comments),
    )


def _spf(part: _Part) -> SPF:
    identity = "helo" if "smtp.helo" in part.properties else "mailfrom"
    sender = part.said(f"smtp.{identity}")
    return SPF(part.result, sender.rpartition("@")[2].lower(), identity, sender, part.said("reason"))


def _dmarc(part: _Part) -> DMARC:
    policy = next((found for each in part.comments if (found := _POLICY.fullmatch(each))), None)
    asked, where, method = policy.groups(default="") if policy else ("", "", "")
    return DMARC(part.result, part.said("reason"), part.said("header.from").lower(), asked, where, method)


def _reverse(part: _Part) -> Reverse:
    return Reverse(part.result, part.comments[0] if part.comments else "")
