"""Whether a domain that SPF or DKIM proved is aligned with the author's domain (RFC 9989 section 4.10.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from receiver.checks import domain_name
from receiver.checks.dmarc.record import Record
from receiver.checks.dmarc.tree import Tree
from receiver.checks.dns_query import TemporaryFailure
from receiver.checks.results import DKIM, SPF


@dataclass(frozen=True, slots=True)
class _Identifier:
    """A domain that SPF or DKIM proved, or that they could not decide on."""

    method: str
    domain: str
    is_strict: bool
    is_proven: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The result: pass, fail or temperror. For a pass, the method and the domain that it proved."""

    result: str
    reason: str = ""
    method: str = ""
    aligned: str = ""


async def find_aligned(
    tree: Tree, author: str, record: Record, signatures: Sequence[DKIM], sender: SPF
) -> Found:
    """Find an identifier that is proven and aligned. Never raises TemporaryFailure."""
    doubt = ""
    identifiers = _identifiers(record, signatures, sender)
    # What is proven comes first, and of that what needs no walk.
    for each in sorted(identifiers, key=lambda each: (not each.is_proven, each.domain != author)):
        if doubt and not each.is_proven:
            break
        try:
            is_aligned = await _is_aligned(tree, each, author)
        except TemporaryFailure as failure:
            doubt = doubt or str(failure) or "no answer"
            continue
        if is_aligned and each.is_proven:
            return Found("pass", "", each.method, each.domain)
        if is_aligned:
            doubt = f"{each.method} of {each.domain} could not be decided"
    return Found("temperror", doubt) if doubt else Found("fail")


def _identifiers(record: Record, signatures: Sequence[DKIM], sender: SPF) -> list[_Identifier]:
    found = []
    claims = [("dkim", each.result, each.domain, record.is_dkim_strict) for each in signatures]
    for method, result, name, is_strict in [
        *claims,
        ("spf", sender.result, sender.domain, record.is_spf_strict),
    ]:
        if result in ("pass", "temperror"):
            try:
                domain = domain_name.to_a_labels(name)
            except ValueError:
                continue  # No domain of an author is like that.
            found.append(_Identifier(method, domain, is_strict, result == "pass"))
    return found


async def _is_aligned(tree: Tree, identifier: _Identifier, author: str) -> bool:
    domain = identifier.domain
    if domain == author:
        return True
    # Both names end in the organization's, so without a common last label no question is needed.
    if identifier.is_strict or domain.rpartition(".")[2] != author.rpartition(".")[2]:
        return False
    organization = await tree.organization(author)
    if domain != organization and not domain.endswith("." + organization):
        return False
    return await tree.organization(domain) == organization
