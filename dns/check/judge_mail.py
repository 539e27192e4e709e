"""What is wrong with a domain's mail hosts and policies, as a sender meets them. Pure.

What the zone's own nameservers should answer is judged in ``judge_zone``; here is what lies beyond
it: hosts named in other zones, port 25, reverse DNS, policies that contradict each other.
"""

import ipaddress
from collections.abc import Callable, Iterator

from dns.check.findings import Finding, advised, only_seen_from_here, required, unknown
from dns.check.judge_port_25 import ports_25, reverse
from dns.cloudflare.proxy import proxied
from dns.names import unreachable
from dns.world.answers import Answer
from dns.world.seen import HostSeen, Seen


def judged(seen: Seen) -> Iterator[Finding]:
    """The findings about the mail hosts and the policies."""
    for reason in seen.unread:
        yield unknown("addresses", reason, "until then they are not compared")
    expected = {question.name for question in seen.expected if question.type in ("A", "AAAA")}
    for host in seen.hosts:
        if not host.in_zone:
            yield from outside(host)
        elif host.hostname not in expected and any(one.answered for one in seen.servers):
            # Its addresses are not known, so the zone was not asked whether it has just these.
            yield from outside(host, f"python -m dns.sync {seen.domain}")
        yield from private(host)
    yield from ports_25(seen)
    # Where the way from the root is barred, a resolver that denies everything proves nothing.
    for place in seen.addresses if seen.delegation is not None else ():
        yield from reverse(place)
    yield from policies(seen)


def outside(host: HostSeen, sync: str = "") -> Iterator[Finding]:
    """A mail host that another zone names: its name leads to its addresses, and is no alias.

    What its own zone's nameservers say is certain. A resolver's word is not: this network may rewrite
    it. ``sync`` is the command that publishes its records, where there is one.
    """
    name = host.hostname
    said = (("A", host.ipv4, host.a), ("AAAA", host.ipv6, host.aaaa))
    for kind, _, answer in said:
        if answer.alias:
            yield _told(answer)(
                "alias",
                f"{name}: is an alias of {answer.alias}, which an MX may not lead to (RFC 2181, 10.3)",
                f'name that one in the inventory: "hostname": "{answer.canonical or answer.alias}"',
                name,
                kind,
            )
            return
    yield from _unanswered(host)
    if not (host.addresses or _failure(host, host.a) or _failure(host, host.aaaa)):
        yield _told(host.a, host.aaaa)("no-address", f"{name}: has no address", _to_publish(host, sync), name)
        return
    for kind, known, answer in said:
        if known is None or _failure(host, answer):
            continue
        for address in sorted(known - answer.values):
            problem = f"{name}. {kind} {address}: is missing"
            yield _told(answer)("missing", problem, sync or "add this record to its zone", name, kind)
        for address in sorted(answer.values - known):
            yield _foreign(name, kind, address, answer)


def _told(*said: Answer) -> Callable[..., Finding]:
    """How sure it is: as unknown where a resolver alone said it."""

    def found(*parts: str) -> Finding:
        finding = required(*parts)
        return finding if all(answer.authoritative for answer in said) else only_seen_from_here(finding)

    return found


def _failure(host: HostSeen, answer: Answer) -> str:
    """Why the answer says nothing: of nameservers it is to be authoritative, of a resolver it cannot be."""
    return answer.failure(authoritative=bool(host.servers))


def _unanswered(host: HostSeen) -> Iterator[Finding]:
    """The types of the host for which no answer says whether there is an address, by why."""
    failing: dict[str, list[str]] = {}
    for kind, answer in (("A", host.a), ("AAAA", host.aaaa)):
        if why := _failure(host, answer):
            failing.setdefault(why, []).append(kind)
    for why, kinds in failing.items():
        what = f"{host.hostname} {' and '.join(kinds)}"
        if host.servers:
            names = ", ".join(sorted({server.name for server in host.servers}))
            yield required(
                "nameserver-silent",
                f"{what}: is not answered by the nameservers of its zone ({names}): {why}",
                "run again in a minute; if it stays, ask whoever runs them",
                host.hostname,
                kinds[0],
            )
        else:
            yield unknown(
                "address", f"{what}: cannot be looked up ({why})", "see the network", host.hostname, kinds[0]
            )


def _to_publish(host: HostSeen, sync: str) -> str:
    if sync:
        return sync
    lines = [f"{host.hostname}. A {ip}" for ip in sorted(host.ipv4 or ())]
    lines += [f"{host.hostname}. AAAA {ip}" for ip in sorted(host.ipv6 or ())]
    return f"add to its zone {' and '.join(lines) or 'its A and AAAA'}"


def _foreign(name: str, kind: str, address: str, answer: Answer) -> Finding:
    line = f"{name}. {kind} {address}"
    if proxied(address):
        problem = f"{line}: is Cloudflare's proxy, which takes no mail"
        return _told(answer)("proxied", problem, "set the record to 'DNS only' in the dashboard", name, kind)
    problem = f"{line}: is no address of this mail host"
    return _told(answer)("address-surplus", problem, "delete this record", name, kind)


def private(host: HostSeen) -> Iterator[Finding]:
    """An address that the world cannot reach, where the inventory does not say that this is meant."""
    for version, known, answer in (("A", host.ipv4, host.a), ("AAAA", host.ipv6, host.aaaa)):
        for address in sorted(answer.values) if not host.may_be_private else ():
            kind = unreachable(ipaddress.ip_address(address))
            if kind and (known is None or address in known):
                yield _told(answer)(
                    "private",
                    f"{host.hostname}: {address} is {kind}, the world cannot reach it",
                    "set the public one in the inventory (public_ipv4, public_ipv6)",
                    host.hostname,
                    version,
                )


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
        if answer and answer.values and not answer.failure():
            return answer
    return Answer()
