"""What is wrong with a domain's mail hosts and policies, as a sender meets them. Pure.

`judge_zone` judges what the zone's own nameservers should answer. This module judges the rest: hosts named in
other zones, port 25, reverse DNS, policies that contradict each other.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator

from dns.check.findings import Finding, advised, only_seen_from_here, required, unknown
from dns.check.judge_port_25 import ports_25, reverse
from dns.cloudflare.proxy import is_proxy
from dns.names import why_unreachable
from dns.records import ADDRESS_TYPES
from dns.world.answers import Answer
from dns.world.seen import HostSeen, Seen


def judge(seen: Seen) -> Iterator[Finding]:
    """The findings about the mail hosts and the policies."""
    for reason in seen.unread:
        yield unknown("addresses", reason, "until then its addresses are not compared")
    expected = {question.name for question in seen.expected if question.type in ADDRESS_TYPES}
    for host in seen.hosts:
        if not host.in_zone:
            yield from foreign_host(host)
        elif host.hostname not in expected and any(one.answered for one in seen.servers):
            # Its addresses are not known, so the zone's nameservers were not asked for exactly these.
            yield from foreign_host(host, f"python -m dns.sync {seen.domain}")
        yield from private(host)
    yield from ports_25(seen)
    # If the root could not be asked, a resolver that denies everything proves nothing.
    for place in seen.addresses if seen.delegation is not None else ():
        yield from reverse(place)
    yield from policies(seen)


def foreign_host(host: HostSeen, sync: str = "") -> Iterator[Finding]:
    """Whether a mail host that another zone names leads to its addresses, and is not an alias.

    What its own zone's nameservers answer is certain. What a resolver answers is not, because this network
    may rewrite it. `sync` is the command that publishes its records, if there is one.
    """
    name = host.hostname
    said = (("A", host.ipv4, host.a), ("AAAA", host.ipv6, host.aaaa))
    for kind, _, answer in said:
        if answer.alias:
            yield _as_certain_as(answer)(
                "alias",
                f"{name}: is an alias of {answer.alias}, and an MX may not lead to an alias (RFC 2181, 10.3)",
                f'name that one in the inventory: "hostname": "{answer.canonical or answer.alias}"',
                name,
                kind,
            )
            return
    yield from _unanswered(host)
    if not (host.addresses or _failure(host, host.a) or _failure(host, host.aaaa)):
        found = _as_certain_as(host.a, host.aaaa)
        yield found("no-address", f"{name}: has no address", _publish_fix(host, sync), name)
        return
    for kind, known, answer in said:
        if known is None or _failure(host, answer):
            continue
        for address in sorted(known - answer.values):
            problem = f"{name}. {kind} {address}: is missing"
            fix = sync or "add this record to its zone"
            yield _as_certain_as(answer)("missing", problem, fix, name, kind)
        for address in sorted(answer.values - known):
            yield _surplus(name, kind, address, answer)


def _as_certain_as(*said: Answer) -> Callable[..., Finding]:
    """Make a required finding, or an unknown one if only a resolver answered so."""

    def found(*parts: str) -> Finding:
        finding = required(*parts)
        return finding if all(answer.authoritative for answer in said) else only_seen_from_here(finding)

    return found


def _failure(host: HostSeen, answer: Answer) -> str:
    """Why the answer tells nothing. A nameserver's must be authoritative, and a resolver's cannot be."""
    return answer.failure(authoritative=bool(host.servers))


def _unanswered(host: HostSeen) -> Iterator[Finding]:
    """The types for which no answer tells whether the host has an address, by reason."""
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
                "run again in a minute; if it stays so, ask whoever runs them",
                host.hostname,
                kinds[0],
            )
        else:
            problem = f"{what}: cannot be looked up ({why})"
            yield unknown("address", problem, "check the network", host.hostname, kinds[0])


def _publish_fix(host: HostSeen, sync: str) -> str:
    if sync:
        return sync
    lines = [f"{host.hostname}. A {ip}" for ip in sorted(host.ipv4 or ())]
    lines += [f"{host.hostname}. AAAA {ip}" for ip in sorted(host.ipv6 or ())]
    return f"add to its zone {' and '.join(lines) or 'its A and AAAA'}"


def _surplus(name: str, kind: str, address: str, answer: Answer) -> Finding:
    found, line = _as_certain_as(answer), f"{name}. {kind} {address}"
    if is_proxy(address):
        problem = f"{line}: is Cloudflare's proxy, which takes no mail"
        return found("proxied", problem, "set the record to 'DNS only' in the dashboard", name, kind)
    problem = f"{line}: is not an address of this mail host"
    return found("address-surplus", problem, "delete this record", name, kind)


def private(host: HostSeen) -> Iterator[Finding]:
    """An address that the world cannot reach, unless the inventory says that this is intended."""
    for version, known, answer in (("A", host.ipv4, host.a), ("AAAA", host.ipv6, host.aaaa)):
        for address in sorted(answer.values) if not host.may_be_private else ():
            kind = why_unreachable(ipaddress.ip_address(address))
            if kind and (known is None or address in known):
                yield _as_certain_as(answer)(
                    "private",
                    f"{host.hostname}: {address} is {kind}, which the world cannot reach",
                    "set the public one in the inventory (public_ipv4, public_ipv6)",
                    host.hostname,
                    version,
                )


def policies(seen: Seen) -> Iterator[Finding]:
    """Two SPF, DMARC or TLSRPT records at a name. With two, senders ignore both."""
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
