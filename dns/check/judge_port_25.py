"""What is wrong with a mail host's addresses: port 25, and reverse DNS. Pure.

A machine whose network bars port 25, or catches it with a relay, can tell nothing of it. So what looks
broken counts only where this machine is known to reach the port 25 of others (``Seen.leaving``).
"""

import ipaddress
from collections.abc import Iterator, Sequence

from dns.check.findings import Finding, advised, required, unknown
from dns.names import unreachable
from dns.world.greeting import Greeting
from dns.world.seen import AddressSeen, Seen

ANOTHER_NETWORK = "run this from another network"


def ports_25(seen: Seen) -> Iterator[Finding]:
    """What answers on port 25 of every address, as far as this machine can tell.

    Where it reaches nobody's port 25 over an IP version, one finding says so for all addresses of it.
    """
    unjudged: list[AddressSeen] = []
    for place in seen.addresses:
        greeting = place.greeting
        if greeting is None or greeting.failure == "no route":
            if not _is_judged_elsewhere(place, seen):
                problem = f"{_port_25(place)}: there is no route from here"
                yield unknown("port-25", problem, ANOTHER_NETWORK)
        elif greeting.name != place.hostname and place.version not in seen.leaving:
            unjudged.append(place)
        else:
            yield from port_25(place, greeting)
    if unjudged:
        yield _barred(unjudged)


def _is_judged_elsewhere(place: AddressSeen, seen: Seen) -> bool:
    """Whether another address of the same host was connected to."""
    return any(
        one.hostname == place.hostname and one.greeting is not None and one.greeting.failure != "no route"
        for one in seen.addresses
    )


def _barred(places: Sequence[AddressSeen]) -> Finding:
    caught = {place.greeting.name for place in places if place.greeting and not place.greeting.failure}
    where = ", ".join(f"{place.hostname} ({place.address})" for place in places)
    if caught:
        cause = f"{' and '.join(sorted(caught - {''})) or 'something'} answers in place of the host"
        why = "probably a relay or a filter of this network, since no other mail host is reached from here"
    else:
        cause = "does not answer, but nor does any other"
        why = "port 25 is probably barred from here"
    return unknown("port-25", f"{where} port 25: {cause}: {why}", ANOTHER_NETWORK)


def _port_25(place: AddressSeen) -> str:
    return f"{place.hostname} ({place.address}) port 25"


def port_25(place: AddressSeen, greeting: Greeting) -> Iterator[Finding]:
    """Whether the address greets on port 25 by the host's name, and STARTTLS works."""
    where = _port_25(place)
    if greeting.failure:
        yield required("port-25", f"{where}: {_WHY[greeting.failure]}", _MEND[greeting.failure])
    elif greeting.code != 220:
        yield required(
            "greeting",
            f"{where}: greets with {greeting.code} {greeting.text}",
            "journalctl -u letterbox on the host says why",
        )
    elif greeting.name != place.hostname:
        yield required(
            "greeting-name",
            f"{where}: greets as {greeting.name or 'nobody'}: another server answers there",
            "see that the address is the host's, and that nothing else listens there: ss -ltnp 'sport = :25'",
        )
    elif greeting.tls is None:
        yield advised(
            "starttls",
            f"{where}: does not offer STARTTLS, mail comes unencrypted",
            "pyinfra inventory.py deploy.py",
        )
    elif greeting.tls:
        yield required(
            "starttls",
            f"{where}: offers STARTTLS, and it fails ({greeting.tls})",
            "journalctl -u letterbox on the host says why",
        )


_WHY = {
    "timeout": "does not answer, while others' port 25 does",
    "unreachable": "cannot be reached (a firewall says no)",
    "refused": "nothing listens there",
    "silent": "accepts the connection, and then says nothing",
}
_MEND = {
    "timeout": "open 25/tcp in the host's firewall (pyinfra inventory.py deploy.py) and at its provider",
    "unreachable": "open 25/tcp in the host's firewall (pyinfra inventory.py deploy.py) and at its provider",
    "refused": "systemctl status letterbox.socket on the host says why",
    "silent": "journalctl -u letterbox on the host says why",
}


def reverse(place: AddressSeen) -> Iterator[Finding]:
    """Whether a public address has a PTR that leads back to it (RFC 1912, 2.1).

    Where a lookup failed there is no finding: mail arrives without reverse DNS, and a remark says it.
    """
    if not place.reverse_is_known or unreachable(ipaddress.ip_address(place.address)):
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
