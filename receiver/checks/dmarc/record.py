"""The DMARC Policy Record (RFC 9989 sections 4.7 and 4.8). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_VERSION = re.compile(rb"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_REMEMBERED, _LONGEST_REMEMBERED = 1024, 512  # records, and octets of each
_POLICIES = frozenset({"none", "quarantine", "reject"})
# A URI for reports. The size after it is obsolete, and is ignored.
_URI = re.compile(
    r"(?:mailto:[^\s@,!]+@[^\s@,!]+|(?!mailto:)[a-z][a-z0-9+.-]*:[^\s,!]+)(?:![0-9]+[kmgt]?)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Record:
    """A record. `p` is none, quarantine or reject, or empty if the record has no policy to be applied."""

    p: str
    sp: str = ""  # for subdomains; empty for that of `p`
    np: str = ""  # for subdomains that do not exist; empty for that of `sp`
    psd: str = "u"  # y for a public suffix, n for an organization, else u
    is_dkim_strict: bool = False
    is_spf_strict: bool = False
    is_test: bool = False

    @property
    def has_policy(self) -> bool:
        return bool(self.p)


def parse(octets: bytes) -> Record | None:
    """Parse a TXT record. None if it is no DMARC record of this version.

    A tag with a value that is not allowed counts as missing (section 4.8). But without a valid `p`, or with
    an `sp` or `np` that is not valid, the policy is none if there is an address for reports. If there is none
    either, the record has no policy (section 4.10.1). The first of two tags of one name counts.
    """
    return _remembered(octets) if len(octets) <= _LONGEST_REMEMBERED else _parsed(octets)


def _parsed(octets: bytes) -> Record | None:
    version = _VERSION.match(octets)
    if not version:
        return None
    tags: dict[str, str] = {}
    for tag in octets[version.end() :].decode("ascii", "replace").split(";"):
        name, equals, value = tag.partition("=")
        if equals:
            tags.setdefault(name.strip(" \t").lower(), value.strip(" \t"))
    p, sp, np = (tags.get(name, "").lower() for name in ("p", "sp", "np"))
    is_valid = p in _POLICIES and all(
        value in _POLICIES for name, value in (("sp", sp), ("np", np)) if name in tags
    )
    if not is_valid:
        p, sp, np = ("none" if _has_uri(tags.get("rua", "")) else ""), "", ""
    psd = tags.get("psd", "").lower()
    return Record(
        p,
        sp,
        np,
        psd if psd in ("y", "n") else "u",
        _is(tags, "adkim", "s"),
        _is(tags, "aspf", "s"),
        _is(tags, "t", "y"),
    )


_remembered = lru_cache(_REMEMBERED)(_parsed)


def _is(tags: Mapping[str, str], name: str, value: str) -> bool:
    return tags.get(name, "").lower() == value


def _has_uri(addresses: str) -> bool:
    return any(_URI.fullmatch(each.strip(" \t")) for each in addresses.split(","))
