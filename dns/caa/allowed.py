"""Who may issue a certificate by the CAA records that apply to a name (RFC 8659, RFC 8657). Pure.

The records that apply are those of the name itself, or else of the nearest name above that has any.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from dns.caa.properties import ACCOUNT, METHOD, METHODS, TAGS, Property, parse

WIDENED = "CVE-2026-14440"
"""Cloudflare answers CAA of its own in the place of ours while Universal SSL is on, without parameters."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks for a certificate. `identities` are the authority's names. Empty is not known."""

    identities: Collection[str] = ()
    uri: str = ""
    method: str = METHOD


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the account may issue. None if that cannot be told. `reason` says why not, in words."""

    allowed: bool | None
    reason: str = ""


def judge(contents: Collection[str], account: Account) -> Verdict:
    """Whether the account may get a certificate for a host's name, if these record data apply to it."""
    found = [parse(text) for text in sorted(contents)]
    for each in found:
        if each.is_critical and each.tag not in TAGS:
            return Verdict(False, f"the critical property {each.tag} is known to no authority")
    issue = [each for each in found if each.tag == "issue"]
    if not issue:
        return Verdict(True)
    if not any(each.issuer for each in issue):
        return Verdict(False, "no authority may issue")
    if not account.identities:
        return Verdict(None, f"the names of its authority in CAA records are not known ({_list(issue)})")
    ours = [each for each in issue if each.issuer in account.identities]
    if not ours:
        return Verdict(False, f"only {_issuers(issue)} may issue")
    verdicts = [_by_parameters(each, account) for each in ours]
    for wanted in (True, None):
        if chosen := next((one for one in verdicts if one.allowed is wanted), None):
            return chosen
    return verdicts[0]


def _by_parameters(one: Property, account: Account) -> Verdict:
    """What the parameters of a property of our authority say. One that is there twice fits nobody."""
    uris, methods = one.named(ACCOUNT), one.named(METHODS)
    if len(uris) > 1 or len(methods) > 1:
        return Verdict(False, f"{one} has a parameter twice, so that nobody may issue by it")
    if methods and account.method not in [word.lower() for word in methods[0].split(",")]:
        return Verdict(False, f"{one.issuer} may issue by {methods[0]} only, and not by {account.method}")
    if uris and not account.uri:
        return Verdict(None, f"only the account {uris[0]} may issue, and ours is not known")
    if uris and uris[0] != account.uri:
        return Verdict(False, f"only the account {uris[0]} may issue, and ours is {account.uri}")
    return Verdict(True)


def others(contents: Collection[str], account: Account) -> Iterator[str]:
    """Who else may issue for the name, in words, each once. Nobody is listed if there are no records."""
    said = dict.fromkeys(
        words
        for text in sorted(contents)
        if (one := parse(text)).tag == "issue" and one.issuer and (words := _other(one, account))
    )
    yield from said


def _other(one: Property, account: Account) -> str:
    if one.issuer not in account.identities:
        return one.issuer
    uris = one.named(ACCOUNT)
    if uris == (account.uri,):
        return ""
    return f"the account {uris[0]}" if len(uris) == 1 else "" if uris else f"any account of {one.issuer}"


def _issuers(issue: Collection[Property]) -> str:
    return " and ".join(dict.fromkeys(each.issuer for each in issue if each.issuer))


def _list(issue: Collection[Property]) -> str:
    return ", ".join(dict.fromkeys(str(each) for each in issue))
