"""The result of DMARC for one message (RFC 9989 section 5.3), and the policy."""

from __future__ import annotations

from collections.abc import Sequence

from receiver.checks.dmarc.alignment import find_aligned
from receiver.checks.dmarc.record import Record
from receiver.checks.dmarc.tree import Tree
from receiver.checks.dns_query import A, Resolver, TemporaryFailure, is_askable
from receiver.checks.results import DKIM, DMARC, SPF

_BELOW = {"reject": "quarantine", "quarantine": "none", "none": "none"}  # in test mode (section 4.7)


async def discover(resolver: Resolver, author: str) -> None:
    """Ask early what `check` will ask for each message of this author, so that a cache has it.

    Never raises.
    """
    try:
        await Tree(resolver).policy_record(author)
    except TemporaryFailure:
        return


async def check(resolver: Resolver, author: str, signatures: Sequence[DKIM], sender: SPF) -> DMARC:
    """`author` is what `author.domain` gives. `sender` is SPF for MAIL FROM, or for HELO if that is null.

    A lookup that failed makes the result temperror if its answer could have changed the result, never fail.
    """
    tree = Tree(resolver)
    try:
        at, record = await tree.policy_record(author)
    except TemporaryFailure as failure:
        return DMARC("temperror", str(failure), author)
    if record is None:
        return DMARC("none", "", author)
    if not record.has_policy:
        return DMARC("none", "the policy cannot be read", author, published_at=at)
    found = await find_aligned(tree, author, record, signatures, sender)
    try:
        policy = await _policy(tree, author, at, record)
    except TemporaryFailure as failure:
        if found.result == "pass":
            return DMARC("pass", "", author, "", at, found.method, found.aligned)
        return DMARC("temperror", str(failure), author, "", at)
    return DMARC(found.result, found.reason, author, policy, at, found.method, found.aligned)


async def _policy(tree: Tree, author: str, at: str, record: Record) -> str:
    """What the owner asks for if the message fails (sections 4.10.1 and 4.7)."""
    policy = record.p
    if at != author:
        policy = record.sp or record.p
        if record.np and record.np != policy and not await _exists(tree.resolver, author):
            policy = record.np
    return _BELOW[policy] if record.is_test else policy


async def _exists(resolver: Resolver, name: str) -> bool:
    return is_askable(name) and (await resolver.query(name, A)).exists
