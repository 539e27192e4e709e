"""An MTA-STS policy and its TXT record, as texts and as values (RFC 8461, section 3). Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from dns.names import a_label

VERSION = "STSv1"
MODES = ("testing", "enforce", "none")
LABEL = "_mta-sts"
"""What stands before the domain in the name of the TXT record (RFC 8461, section 3.1)."""
PATH = "/.well-known/mta-sts.txt"
"""Where the policy host has the policy (RFC 8461, section 3.3)."""
TXT_TTL = 60
"""Seconds. A sender that keeps the TXT record does not learn of a new policy meanwhile."""
LONGEST_AGE = 31557600  # seconds: one year (RFC 8461, section 3.2)
ID_LENGTH = 20  # of the 32 characters that RFC 8461, section 3.1, allows

_FIELD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*(.*?)[ \t]*")
_ID = re.compile(r"id[ \t]*=[ \t]*([A-Za-z0-9]{1,32})[ \t]*", re.ASCII)


def policy_host(domain: str) -> str:
    """The name of the policy host (RFC 8461, section 3.2)."""
    return f"mta-sts.{domain}"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy. `mx` are the names that a sender accepts, `max_age` is for how many seconds it keeps this."""

    mode: str
    """One of MODES."""
    mx: tuple[str, ...]
    """Host names in A-label form, or `*.` and a name."""
    max_age: int

    @property
    def text(self) -> str:
        """The policy as it is served: a line for each field, with CRLF."""
        fields = [("version", VERSION), ("mode", self.mode), *(("mx", name) for name in self.mx)]
        return "".join(f"{key}: {value}\r\n" for key, value in [*fields, ("max_age", str(self.max_age))])

    @property
    def id(self) -> str:
        """What the TXT record calls this policy: 20 hexadecimal digits of the text's SHA-256."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:ID_LENGTH]

    def lists(self, hostname: str) -> bool:
        """Whether a sender may deliver to this mail host (RFC 8461, section 4.1).

        A `*` stands for the one label that is leftmost.
        """
        name = hostname.removesuffix(".").lower()
        parent = name.partition(".")[2]
        return any(
            bool(parent) and parent == one[2:] if one.startswith("*.") else one == name for one in self.mx
        )


def parse(text: str) -> Policy:
    """Read a policy as a sender does (RFC 8461, section 3.2).

    Lines end with LF or CRLF. Unknown fields are ignored. Of a field that may stand once, the first counts.
    Raises ValueError, with the reason in words.
    """
    fields: dict[str, list[str]] = {}
    for line in re.split(r"\r?\n", text.removesuffix("\n").removesuffix("\r")):
        if not (found := _FIELD.fullmatch(line)):
            raise ValueError(f"the line {line!r} is not of the form key: value")
        fields.setdefault(found[1], []).append(found[2])
    version, mode, age = (fields.get(key, [""])[0] for key in ("version", "mode", "max_age"))
    if version != VERSION:
        raise ValueError(f"its version is {version!r}, and must be {VERSION}")
    if mode not in MODES:
        raise ValueError(f"its mode is {mode!r}, and must be one of {', '.join(MODES)}")
    if not re.fullmatch(r"[0-9]{1,10}", age) or int(age) > LONGEST_AGE:
        raise ValueError(f"its max_age is {age!r}, and must be a number of seconds up to {LONGEST_AGE}")
    mx = tuple(_pattern(each) for each in fields.get("mx", ()))
    if not mx and mode != "none":
        raise ValueError("it lists no mx, so it allows no mail host")
    return Policy(mode, mx, int(age))


def _pattern(text: str) -> str:
    wildcard = "*." if text.startswith("*.") else ""
    try:
        return wildcard + a_label(text.removeprefix("*."))
    except ValueError as error:
        raise ValueError(f"its mx {text!r} {error}") from None


def record(policy_id: str) -> str:
    """The text of the TXT record for the policy of this id."""
    return f"v={VERSION}; id={policy_id}"


def is_record(text: str) -> bool:
    """Whether the text counts as one that tells of a policy, right or wrong (RFC 8461, section 3.1)."""
    return re.match(rf"v={VERSION}[ \t]*;", text) is not None


def id_of(texts: Iterable[str]) -> str | None:
    """The id that these TXT records at `_mta-sts` give, as a sender reads them (RFC 8461, section 3.1).

    None if not exactly one of them is a record of MTA-STS, or if that one is not well formed.
    """
    counted = [text for text in texts if is_record(text)]
    if len(counted) != 1:
        return None
    ids = [found[1] for field in counted[0].split(";")[1:] if (found := _ID.fullmatch(field.strip(" \t")))]
    return ids[0] if ids else None


@dataclass(frozen=True, slots=True)
class Served:
    """What a sender gets now that asks the policy host."""

    policy: Policy | None = None
    text: str = ""
    failure: str = ""
    """Why it is not known what is served, in one line: the policy is neither absent nor right."""
    absent: bool = False
    """Whether the policy host has no address, so that certainly nothing is served."""
