"""What is wrong with the addresses of a mail host: port 25, and reverse DNS. Pure.

If this machine's network blocks port 25, or catches it with a relay, nothing can be concluded from here. So
what looks broken counts only if this machine is known to reach port 25 of other hosts (`Seen.outbound_25`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from dns.check.findings import Finding, advised, required, unknown
from dns.names import why_unreachable
from dns.world.greeting import READY, Greeting
from dns.world.seen import AddressSeen, Seen

ANOTHER_NETWORK = "run this from another network"


def ports_25(seen: Seen) -> Iterator[Finding]:
    """What answers on port 25 of every address, as far as this machine can tell.

    If it reaches nobody's port 25 over an IP version, one finding says so for all addresses of that version.
    """
    unjudged: list[AddressSeen] = []
    for place in seen.addresses:
        greeting = place.greeting
        if greeting is None or greeting.failure == "no route":
            if not _is_judged_elsewhere(place, seen):
                problem = f"{_port_25(place)}: there is no route from here"
                yield unknown("port-25", problem, ANOTHER_NETWORK)
        elif greeting.name != place.hostname and place.version not in seen.outbound_25:
            unjudged.append(place)
        else:
            yield from port_25(place, greeting)
    if unjudged:
        yield _blocked(unjudged)


def _is_judged_elsewhere(place: AddressSeen, seen: Seen) -> bool:
    """Whether this machine could connect to another address of the same host."""
    return any(
        one.hostname == place.hostname and one.greeting is not None and one.greeting.failure != "no route"
        for one in seen.addresses
    )


def _blocked(places: Sequence[AddressSeen]) -> Finding:
    caught = {place.greeting.name for place in places if place.greeting and not place.greeting.failure}
    where = ", ".join(f"{place.hostname} ({place.address})" for place in places)
    if caught:
        cause = f"{' and '.join(sorted(caught - {''})) or 'something'} answers in place of the host"
        why = "probably a relay or a filter of this network, because no other mail host is reached from here"
    else:
        cause = "does not answer, and no other mail host does either"
        why = "this network probably blocks port 25"
    return unknown("port-25", f"{where} port 25: {cause}: {why}", ANOTHER_NETWORK)


def _port_25(place: AddressSeen) -> str:
    return f"{place.hostname} ({place.address}) port 25"


def port_25(place: AddressSeen, greeting: Greeting) -> Iterator[Finding]:
    """Whether the address greets on port 25 by the host's name, and STARTTLS works."""
    where = _port_25(place)
    if greeting.failure:
        yield required("port-25", f"{where}: {_WHY[greeting.failure]}", _FIX[greeting.failure])
    elif greeting.code != READY:
        yield required(
            "greeting",
            f"{where}: greets with {greeting.code} {greeting.text}",
            "find the reason with journalctl -u letterbox on the host",
        )
    elif greeting.name != place.hostname:
        yield required(
            "greeting-name",
            f"{where}: greets as {greeting.name or 'nobody'}: another server answers there",
            "make sure that the address is the host's, and that nothing else listens there: "
            "ss -ltnp 'sport = :25'",
        )
    elif greeting.tls is None:
        yield advised(
            "starttls",
            f"{where}: does not offer STARTTLS, so mail comes unencrypted",
            "pyinfra inventory.py deploy.py",
        )
    elif greeting.tls:
        yield required(
            "starttls",
            f"{where}: offers STARTTLS, but it fails ({greeting.tls})",
            "find the reason with journalctl -u letterbox on the host",
        )


_WHY = {
    "timeout": "does not answer, while port 25 of others does",
    "unreachable": "cannot be reached (a firewall refuses it)",
    "refused": "nothing listens there",
    "silent": "accepts the connection, and then says nothing",
}
_FIX = {
    "timeout": "open 25/tcp in the host's firewall (pyinfra inventory.py deploy.py) and at its provider",
    "unreachable": "open 25/tcp in the host's firewall (pyinfra inventory.py deploy.py) and at its provider",
    "refused": "find the reason with systemctl status letterbox.socket on the host",
    "silent": "find the reason with journalctl -u letterbox on the host",
}


def reverse(place: AddressSeen) -> Iterator[Finding]:
    """Whether a public address has a PTR that leads back to it (RFC 1912, 2.1).

    If a lookup failed there is no finding, because mail arrives without reverse DNS. A remark reports it.
    """
    if not place.reverse_is_known or why_unreachable(ipaddress.ip_address(place.address)):
        return
    pointers = place.pointers or {}
    if any(place.address in (addresses or ()) for addresses in pointers.values()):
        return
    line = f"{ipaddress.ip_address(place.address).reverse_pointer}. PTR {place.hostname}."
    if pointers:
        problem = f"{place.address}: its reverse DNS ({', '.join(pointers)}) does not lead back to it"
    else:
        problem = f"{place.address}: has no reverse DNS"
    yield advised("reverse", problem, f"at the host's provider, set {line}")
