"""What is wrong with a domain's mail hosts and policies, as a sender meets them. Pure.

What the zone's own nameservers should answer is judged in ``judge_zone``; here is what lies beyond
it: hosts named in other zones, port 25, reverse DNS, policies that contradict each other.
"""

import ipaddress
from collections.abc import Iterator

from dns.answers import Answer
from dns.cloudflare_proxy import proxied
from dns.findings import Finding, advised, required, unknown
from dns.names import unreachable
from dns.seen import AddressSeen, HostSeen, Seen


def judged(seen: Seen) -> Iterator[Finding]:
    """The findings about the mail hosts and the policies."""
    for reason in seen.unread:
        yield unknown("addresses", reason, "until then they are not compared")
    for host in seen.hosts:
        yield from outside(host) if not host.in_zone else ()
        yield from private(host)
    for place in seen.addresses:
        yield from port_25(place, seen)
        yield from reverse(place)
    yield from policies(seen)


def outside(host: HostSeen) -> Iterator[Finding]:
    """A mail host that another zone names: its name leads to its addresses, and is no alias."""
    name = host.hostname
    alias = host.a.alias or host.aaaa.alias
    if alias:
        yield required(
            "alias",
            f"{name}: is an alias of {alias}, which an MX may not lead to (RFC 2181, 10.3)",
            f'name that one in the inventory: "hostname": "{alias}"',
        )
    if host.a.exists is None and host.aaaa.exists is None:
        why = host.a.silence or host.a.status
        yield unknown("address", f"{name}: its addresses cannot be looked up ({why})", "see the network")
        return
    if not host.addresses:
        yield required("no-address", f"{name}: has no address", _to_publish(host))
        return
    for kind, known, answer in (("A", host.ipv4, host.a), ("AAAA", host.ipv6, host.aaaa)):
        if known is None or answer.exists is None:
            continue
        for address in sorted(known - answer.values):
            yield required("missing", f"{name}. {kind} {address}: is missing", "add this record to its zone")
        for address in sorted(answer.values - known):
            yield _foreign(name, kind, address)


def _to_publish(host: HostSeen) -> str:
    lines = [f"{host.hostname}. A {ip}" for ip in sorted(host.ipv4 or ())]
    lines += [f"{host.hostname}. AAAA {ip}" for ip in sorted(host.ipv6 or ())]
    return f"add to its zone {' and '.join(lines) or 'its A and AAAA'}"


def _foreign(name: str, kind: str, address: str) -> Finding:
    if proxied(address):
        return required(
            "proxied",
            f"{name}. {kind} {address}: is Cloudflare's proxy, which takes no mail",
            "set the record to 'DNS only' in the dashboard",
        )
    return required(
        "address-surplus", f"{name}. {kind} {address}: is no address of this mail host", "delete this record"
    )


def private(host: HostSeen) -> Iterator[Finding]:
    """An address that the world cannot reach, where the inventory does not say that this is meant."""
    for known, answer in ((host.ipv4, host.a), (host.ipv6, host.aaaa)):
        for address in sorted(answer.values) if not host.may_be_private else ():
            kind = unreachable(ipaddress.ip_address(address))
            if kind and (known is None or address in known):
                yield required(
                    "private",
                    f"{host.hostname}: {address} is {kind}, the world cannot reach it",
                    "set the public one in the inventory (public_ipv4, public_ipv6)",
                )


def port_25(place: AddressSeen, seen: Seen) -> Iterator[Finding]:
    """Whether the address greets on port 25 by the host's name, and STARTTLS works."""
    greeting, where = place.greeting, f"{place.hostname} ({place.address}) port 25"
    if greeting is None or greeting.failure == "no route":
        others = [one for one in seen.addresses if one.greeting and one.greeting.failure != "no route"]
        if not others:
            yield unknown("port-25", f"{where}: there is no route from here", "run this from another network")
        return
    version = 6 if ":" in place.address else 4
    if greeting.failure in ("timeout", "unreachable") and version not in seen.leaving:
        yield unknown(
            "port-25",
            f"{where}: does not answer, but nor does any other: port 25 is probably barred from here",
            "run this from another network",
        )
    elif greeting.failure:
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
    """Whether a public address has a PTR that leads back to it (RFC 1912, 2.1)."""
    if place.pointers is None or unreachable(ipaddress.ip_address(place.address)):
        return
    if any(place.address in addresses for addresses in place.pointers.values()):
        return
    line = f"{ipaddress.ip_address(place.address).reverse_pointer}. PTR {place.hostname}."
    if place.pointers:
        names = ", ".join(place.pointers)
        problem = f"{place.address}: its reverse DNS ({names}) does not lead back to it"
    else:
        problem = f"{place.address}: has no reverse DNS"
    yield advised("reverse", problem, f"at the host's provider, set {line}")


def policies(seen: Seen) -> Iterator[Finding]:
    """Two SPF, DMARC or TLSRPT records at a name, which make each other void."""
    for question in seen.expected:
        if question.type != "TXT":
            continue
        answer = _first_answer(seen, question.name)
        for version in ("v=spf1", "v=DMARC1", "v=TLSRPTv1"):
            texts = sorted(text for text in answer.values if text.lower().startswith(version.lower()))
            if len(texts) > 1:
                yield advised(
                    "two-policies",
                    f"{question.name}: has {len(texts)} records that begin with {version}, so none counts",
                    f'delete {question.name}. TXT "{texts[-1]}"',
                )


def _first_answer(seen: Seen, name: str) -> Answer:
    for one in seen.servers:
        answer = one.answers.get((name, "TXT"))
        if answer and answer.exists:
            return answer
    return Answer()
