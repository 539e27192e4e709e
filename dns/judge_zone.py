"""What is wrong with a domain's delegation, nameservers, caches and signatures. Pure.

One cause is one finding: what several nameservers answer alike is said once.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dns.answers import Answer, Expected, differing, lacking
from dns.cloudflare_proxy import proxied
from dns.findings import Finding, advised, required, unknown
from dns.names import is_within
from dns.records import quoted
from dns.seen import Seen, ServerSeen

ELSEWHERE = "run again, or from another network"
DIGESTS = ("1", "2", "4")  # SHA-1, SHA-256, SHA-384: those whose DS is computed for comparing


def judged(seen: Seen) -> Iterator[Finding]:
    """The findings about the zone."""
    yield from delegation(seen)
    yield from nameservers(seen)
    yield from caches(seen)
    yield from signatures(seen)


def delegation(seen: Seen) -> Iterator[Finding]:
    """Whether the parent leads to the zone's nameservers, and these agree on who they are."""
    meant = seen.own_nameservers
    to_set = f"set its nameservers at the registrar to {' and '.join(meant or ('those of the dashboard',))}"
    found = seen.delegation
    if found is None:
        yield unknown("delegation", f"{seen.zone}: its delegation cannot be seen: {seen.lost}", ELSEWHERE)
        return
    if not found.nameservers:
        problem = f"{seen.zone}: {found.parent} does not know it"
        yield required("delegation", problem, f"register it, and {to_set}")
        return
    if meant and set(found.nameservers) != set(meant):
        named = " and ".join(found.nameservers)
        problem = f"{seen.zone}: {found.parent} names {named} for it"
        # Names of one's own for Cloudflare's servers are fine, and so is whatever answers the same.
        all_right = seen.servers and not any(nameservers(seen))
        yield (advised if all_right else required)("delegation", problem, to_set)
        return
    for name in seen.without_address:
        yield required("nameserver-address", f"{seen.zone}: its nameserver {name} has no address", to_set)
    answered = [one.answers.get((seen.zone, "NS")) for one in seen.servers]
    own = {answer.values for answer in answered if answer and answer.exists and answer.authoritative}
    for names in own - {frozenset(found.nameservers)}:
        yield advised(
            "nameservers-differ",
            f"{seen.zone}: {found.parent} names {', '.join(found.nameservers)}, "
            f"the zone itself {', '.join(sorted(names))}",
            "set the same at the registrar as in the zone",
        )


def nameservers(seen: Seen) -> Iterator[Finding]:
    """Whether every nameserver address answers, with authority, exactly what it should."""
    if not seen.servers:
        if seen.delegation is None or seen.delegation.nameservers:
            names = ", ".join(sorted({server.name for server in seen.without_route})) or "its nameservers"
            yield unknown(
                "nameservers", f"{seen.zone}: {names} cannot be asked from here", "see the network, and IPv6"
            )
        return
    if _one_version_is_out_of_reach(seen):
        yield advised(
            "ip-version",
            f"{seen.zone}: no nameserver answers over IPv{_silent_version(seen)}, all do over the other",
            "this machine's network probably leads nowhere there: see ip route, or run this from another",
        )
        seen = replace(seen, servers=tuple(one for one in seen.servers if _answers(one)))
    for question in seen.expected:
        said: dict[str, list[ServerSeen]] = {}
        sample: dict[str, Answer] = {}
        for one in seen.servers:
            answer = one.answers.get((question.name, question.type))
            problem = answer and lacking(question, answer)
            if answer and problem:
                said.setdefault(problem, []).append(one)
                sample[problem] = answer
        for problem, who in said.items():
            answer = sample[problem]
            if _is_silent(answer) and question is not seen.expected[0]:
                continue  # said once for the server, by its first question
            if _is_silent(answer):
                yield _silent(problem, who, seen)
            else:
                yield _wrong(question, answer, who, seen)


def _answers(one: ServerSeen) -> bool:
    return not any(answer.silence for answer in one.answers.values())


def _silent_version(seen: Seen) -> int:
    return next(6 if ":" in one.server.address else 4 for one in seen.servers if not _answers(one))


def _one_version_is_out_of_reach(seen: Seen) -> bool:
    """Whether all addresses of one IP version are silent, and none of the other."""
    silent = {":" in one.server.address for one in seen.servers if not _answers(one)}
    heard = {":" in one.server.address for one in seen.servers if _answers(one)}
    return len(silent) == len(heard) == 1 and silent != heard


def _is_silent(answer: Answer) -> bool:
    return bool(answer.silence) or answer.exists is None or not answer.authoritative


def _silent(problem: str, who: Sequence[ServerSeen], seen: Seen) -> Finding:
    every = "" if len(who) < len(seen.servers) else f" (of {len(who)}, none does)"
    # Where the way from the root is barred, it is the network in between that may have answered.
    group = required if seen.delegation else unknown
    return group(
        "nameserver-silent",
        f"{_places(who)}: does not answer for {seen.zone} as it should{every}: {problem}",
        f"if it is not one of the zone's nameservers, take it out at the registrar of {seen.zone}; "
        "else run again in a minute",
    )


def _wrong(question: Expected, answer: Answer, who: Sequence[ServerSeen], seen: Seen) -> Finding:
    """One question that is answered with other values than it should be: the likeliest cause, in words."""
    where = "" if len(who) == len(seen.servers) else f" at {_places(who)}"
    sync = f"python -m dns.sync {seen.domain}"
    name = question.name
    if answer.alias:
        kind = "a mail host" if question.type in ("A", "AAAA") else "a domain that takes mail"
        return required(
            "alias",
            f"{name}: is an alias of {answer.alias}{where}, which {kind} may not be",
            f"{sync} --replace-cname {answer.alias}",
        )
    missing, surplus = differing(question, answer)
    for value in surplus:
        if question.type == "MX":
            return _foreign_mx(value, name, where, seen)
        if proxied(value):
            return required(
                "proxied",
                f"{name}: answers with {value} of Cloudflare's proxy{where}, which takes no mail",
                f"{sync} (or set the record to 'DNS only' in the dashboard)",
            )
        return required(
            "address-surplus",
            f"{name} {question.type} {value}: is no address of this mail host{where}",
            f"{sync} --replace-address {value}",
        )
    rdata = quoted(missing[0]) if question.type == "TXT" else missing[0]
    line = f"{name}. {question.type} {rdata}" + ("." if question.type == "MX" else "")
    return required("missing", f"{line}: is missing{where}", sync)


def _foreign_mx(value: str, name: str, where: str, seen: Seen) -> Finding:
    target = value.partition(" ")[2]
    command = f"python -m dns.sync {seen.domain} --replace-mx {target}"
    line = f"{name}. MX {value.rstrip('.')}."
    if target.startswith("_dc-mx."):
        return required(
            "rewritten",
            f"{line}{where}: Cloudflare answers it in place of yours, since a mail host is proxied",
            f"python -m dns.sync {seen.domain} (or set the mail host's records to 'DNS only')",
        )
    if target == ".":
        return required("null-mx", f"{line}{where}: says that {name} takes no mail (RFC 7505)", command)
    if _is_address(target):
        return required("mx-address", f"{line}{where}: an MX leads to a name, never to an address", command)
    if any(target == other.partition(" ")[2] for other in seen.expected[0].values):
        return required(
            "mx-preference", f"{line}{where}: has another preference", command.rpartition(" --")[0]
        )
    return required("mx-surplus", f"{line}{where}: is not ours, mail goes there too, or first", command)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.rstrip("."))
    except ValueError:
        return False
    return True


def _places(who: Sequence[ServerSeen]) -> str:
    return ", ".join(f"{one.server.name} ({one.server.address})" for one in who)


def caches(seen: Seen) -> Iterator[Finding]:
    """Whether the resolvers answer what the nameservers do, or still what they did."""
    for one in seen.resolvers:
        stale = 0
        for question in seen.expected:
            answer = one.answers.get((question.name, question.type))
            if answer is None or answer.silence:
                continue  # a resolver that cannot be asked says nothing about the zone
            if answer.status == "BOGUS":
                yield required(
                    "bogus",
                    f"{seen.zone}: resolver {one.server.address} refuses its DNSSEC signatures",
                    "see DNS > Settings > DNSSEC in the dashboard, and the DS at the registrar",
                )
                break
            if answer.exists is None:
                yield advised(
                    "resolver",
                    f"{question.name} {question.type}: resolver {one.server.address} answers {answer.status}",
                    "run again in a minute",
                )
                break
            if lacking(question, answer, authoritative=False):
                stale = max(stale, answer.ttl, 1)
        if stale:
            yield advised(
                "stale",
                f"{seen.domain}: resolver {one.server.address} still has old answers, for {stale} s more",
                "wait, nothing is to be changed",
            )


def signatures(seen: Seen) -> Iterator[Finding]:
    """Whether the parent's DS fit the zone's keys (RFC 4035, section 5); an unsigned zone is fine."""
    parents = seen.delegation.ds if seen.delegation else None
    if parents is None or seen.key_ds is None or not is_within(seen.domain, seen.zone):
        return
    known = {ds for ds in parents if ds.split()[2:3] and ds.split()[2] in DIGESTS}
    if known and not known & seen.key_ds:
        what = "other keys than these" if seen.key_ds else "none: the zone is not signed"
        set_it = f"replace it by {seen.zone}. DS {seen.ds_to_set}" if seen.ds_to_set else "delete it"
        yield required(
            "ds",
            f"{seen.zone}. DS {sorted(known)[0]}: the zone has {what}; resolvers that check refuse all of it",
            f"at the registrar, {set_it}",
        )
    elif not parents and seen.ds_to_set:
        yield advised(
            "ds-missing",
            f"{seen.zone}: is signed, but its parent does not say so, and nobody checks the signatures",
            f"at the registrar, add {seen.zone}. DS {seen.ds_to_set}",
        )
