"""What is wrong with a zone's delegation: which nameservers its parent names, and how to find them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dns.check.findings import ELSEWHERE, Finding, advised, required, unknown
from dns.names import is_within
from dns.world.seen import Seen

CLOUDFLARES = "ns.cloudflare.com"


def broken(seen: Seen) -> Iterator[Finding]:
    """What keeps everybody from the zone's nameservers. Everything else that is wrong follows from it."""
    found = seen.delegation
    if found is None:
        yield unknown(
            "delegation", f"{seen.zone}: its delegation cannot be looked up: {seen.lost}", ELSEWHERE
        )
    elif not found.nameservers:
        parent = "the root" if found.parent == "." else found.parent
        yield required(
            "delegation", f"{seen.zone}: {parent} does not know it", f"register it, and {_set_them(seen)}"
        )
    elif found.absent and not _is_at_cloudflare(seen):
        yield required(
            "delegation",
            f"{seen.domain}: the nameservers of {found.zone} say that this name does not exist",
            f"register {seen.domain}, and {_set_them(seen)}; or, if {found.zone} is a zone of yours at "
            f"Cloudflare, run python -m dns.sync {seen.domain}",
        )
    elif set(found.glueless) == set(found.nameservers):
        yield _glueless(seen, required)
    elif not seen.servers:
        yield _unreachable(seen)


def other_nameservers(seen: Seen) -> Iterator[Finding]:
    """Whether the registrar names other nameservers than Cloudflare gave the zone, if these are known.

    It does no harm if they answer the same, as one's own names for Cloudflare's servers do.
    """
    found = seen.delegation
    if found and seen.own_nameservers and set(found.nameservers) != set(seen.own_nameservers):
        problem = f"{seen.zone}: {found.parent} names {' and '.join(found.nameservers)} for it"
        yield required("delegation", problem, _set_them(seen))


def partly_broken(seen: Seen) -> Iterator[Finding]:
    """What concerns some of the nameservers, or what the parent and the zone answer differently."""
    found = seen.delegation
    if found is None:
        return
    for name in seen.without_address:
        problem = f"{seen.zone}: its nameserver {name} has no address"
        yield required("nameserver-address", problem, _set_them(seen))
    if found.glueless:
        yield _glueless(seen, advised)
    for name, reason in seen.unlocated:
        if name not in found.glueless:
            problem = f"{seen.zone}: the addresses of its nameserver {name} cannot be looked up ({reason})"
            yield unknown("nameserver-address", problem, ELSEWHERE)
    answered = [one.answers.get((seen.zone, "NS")) for one in seen.servers]
    own = {answer.values for answer in answered if answer and answer.values and not answer.failure()}
    for names in own - {frozenset(found.nameservers)}:
        yield advised(
            "nameservers-differ",
            f"{seen.zone}: {found.parent} names {', '.join(found.nameservers)}, "
            f"the zone itself {', '.join(sorted(names))}",
            "set the same nameservers at the registrar as in the zone",
        )


def _set_them(seen: Seen) -> str:
    own = seen.own_nameservers or ("those that the dashboard shows",)
    return f"set its nameservers at the registrar to {' and '.join(own)}"


def _is_at_cloudflare(seen: Seen) -> bool:
    """Whether `dns.sync` can fill the zone. Otherwise it may be a registry's, as co.uk is."""
    named = seen.delegation.nameservers if seen.delegation else ()
    return bool(seen.own_nameservers) or all(is_within(name, CLOUDFLARES) for name in named)


def _glueless(seen: Seen, group: Callable[..., Finding]) -> Finding:
    found = seen.delegation
    assert found is not None
    names = " and ".join(found.glueless)
    return group(
        "glue",
        f"{seen.zone}: {found.parent} names {names} for it and gives no address (glue), "
        "which only the zone itself could answer",
        f"at the registrar, set the addresses of {names} (host or glue records)",
    )


def _unreachable(seen: Seen) -> Finding:
    if seen.without_address and not seen.without_route and not seen.unlocated:
        names = " and ".join(seen.without_address)
        problem = f"{seen.zone}: its nameservers {names} have no address"
        return required("nameserver-address", problem, _set_them(seen))
    names = ", ".join(sorted({server.name for server in seen.without_route})) or "its nameservers"
    if seen.unlocated:
        names = ", ".join(name for name, _ in seen.unlocated)
        reason = seen.unlocated[0][1]
        return unknown(
            "nameservers", f"{seen.zone}: {names} cannot be looked up ({reason})", "check the network"
        )
    return unknown(
        "nameservers", f"{seen.zone}: {names} cannot be asked from here", "check the network, and IPv6"
    )
