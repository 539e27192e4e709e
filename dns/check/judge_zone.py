"""What is wrong with a domain's zone, as its nameservers and the resolvers answer. Pure.

There is one finding for each cause. If several nameservers answer alike, one finding names them all. What
follows from another finding is not reported. An answer that does not count proves neither that a record is
there nor that it is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dns.check.findings import Finding, Group, advised, only_seen_from_here, required, unknown
from dns.check.zone_parts import delegation, resolvers
from dns.check.zone_parts.unanswered import unanswered
from dns.cloudflare.proxy import is_proxy
from dns.names import is_ip_address
from dns.records import ADDRESS_TYPES, quoted
from dns.world.answers import Answer
from dns.world.expected import Expected, is_wrong_alias, mismatch, missing_and_surplus, no_answer_reason
from dns.world.seen import Seen, ServerSeen, server_list


def judge(seen: Seen) -> Iterator[Finding]:
    """The findings about the zone."""
    broken = list(delegation.broken(seen))
    if broken:
        yield from broken
        # If the root could not be asked, the answers may be those of something in this network.
        answered = _wrong_answers(seen) if seen.delegation is None else ()
        yield from (only_seen_from_here(finding) for finding in answered)
        return
    found = list(nameservers(seen))
    others = list(delegation.other_nameservers(seen))
    if others and any(finding.group is Group.REQUIRED for finding in found):
        yield from others  # these nameservers cannot know our records
        return
    yield from (replace(finding, group=Group.ADVISED) for finding in others)
    if not others:
        yield from delegation.partly_broken(seen)
    yield from found
    signed = list(resolvers.signatures(seen)) if _any_answered(seen) else []
    refused = any(finding.group is Group.REQUIRED for finding in signed)
    caches = list(resolvers.caches(seen, explained=refused))
    is_bogus = any(finding.code == "bogus" for finding in caches)
    yield from (finding for finding in signed if not (is_bogus and finding.group is Group.UNKNOWN))
    yield from caches


def nameservers(seen: Seen) -> Iterator[Finding]:
    """Whether every nameserver address answers, with authority, exactly what it should."""
    version = _silent_version(seen)
    if version:
        silent = {one.server.name for one in seen.servers if _is_silent(one)}
        seen = replace(seen, servers=tuple(one for one in seen.servers if not _is_silent(one)))
        # A nameserver that answers over the other version is up. One without another address may be down.
        is_up = silent & {one.server.name for one in seen.servers}
        yield (advised if is_up else unknown)(
            "ip-version",
            f"{seen.zone}: no nameserver answers over IPv{version}, and all do over the other version",
            "this machine's network probably leads nowhere there: check ip route, or run this from another",
        )
    yield from unanswered(seen)
    yield from _wrong_answers(seen)


def _any_answered(seen: Seen) -> bool:
    """Whether any nameserver gave an answer that counts."""
    return any(not answer.failure() for one in seen.servers for answer in one.answers.values())


def _is_silent(one: ServerSeen) -> bool:
    return any(answer.silence for answer in one.answers.values())


def _silent_version(seen: Seen) -> int:
    """The IP version of which all addresses are silent while none of the other version is. Else 0."""
    silent = {one.server.version for one in seen.servers if _is_silent(one)}
    heard = {one.server.version for one in seen.servers if not _is_silent(one)}
    return silent.pop() if len(silent) == len(heard) == 1 and silent != heard else 0


def _wrong_answers(seen: Seen) -> Iterator[Finding]:
    """Answers that count and are wrong. Each wrong value is one finding, with all servers that answer it."""
    aliases: set[str] = set()
    for question in seen.expected:
        by_answer: dict[tuple[str, frozenset[str]], list[ServerSeen]] = {}
        for one in seen.servers:
            answer = one.answer_to(question)
            if not no_answer_reason(question, answer) and mismatch(question, answer):
                by_answer.setdefault((answer.alias, answer.values), []).append(one)
        for servers in by_answer.values():
            where = "" if len(servers) == len(seen.servers) else f" at {server_list(servers)}"
            answer = servers[0].answer_to(question)
            if question.name in aliases:
                continue  # all types of a name follow the same alias
            if is_wrong_alias(question, answer):
                aliases.add(question.name)
                yield _alias(question, answer, where, seen)
            else:
                yield from _wrong(question, answer, where, seen)


def _alias(question: Expected, answer: Answer, where: str, seen: Seen) -> Finding:
    kind = "a mail host" if question.type in ADDRESS_TYPES else "a domain that takes mail"
    return required(
        "alias",
        f"{question.name}: is an alias of {answer.alias}{where}, and {kind} may not be an alias",
        f"python -m dns.sync {seen.domain} --replace-cname {answer.alias}",
        question.name,
        question.type,
    )


def _wrong(question: Expected, answer: Answer, where: str, seen: Seen) -> Iterator[Finding]:
    """A question that is answered with other values than it should be, with the likeliest cause of each."""
    name, kind = question.name, question.type
    missing, surplus = missing_and_surplus(question, answer)
    sync = f"python -m dns.sync {seen.domain}"
    for value in surplus:
        if kind == "MX":
            yield replace(_foreign_mx(value, name, where, seen), name=name, type=kind)
        elif is_proxy(value):
            yield required(
                "proxied",
                f"{name}: answers with {value} of Cloudflare's proxy{where}, which takes no mail",
                f"{sync} (or set the record to 'DNS only' in the dashboard)",
                name,
                kind,
            )
        else:
            yield required(
                "address-surplus",
                f"{name} {kind} {value}: is not an address of this mail host{where}",
                f"{sync} --replace-address {value}",
                name,
                kind,
            )
    for value in missing if not surplus else ():
        rdata = quoted(value) if kind == "TXT" else value
        line = f"{name}. {kind} {rdata}" + ("." if kind == "MX" else "")
        yield required("missing", f"{line}: is missing{where}", sync, name, kind)


def _foreign_mx(value: str, name: str, where: str, seen: Seen) -> Finding:
    target = value.partition(" ")[2]
    sync = f"python -m dns.sync {seen.domain}"
    replace_it = f"{sync} --replace-mx {target}"
    line = f"{name}. MX {value.rstrip('.')}."
    if target.startswith("_dc-mx."):
        return required(
            "rewritten",
            f"{line}{where}: Cloudflare answers it in place of yours, because a mail host is proxied",
            f"{sync} (or set the mail host's records to 'DNS only')",
        )
    if target == ".":
        return required("null-mx", f"{line}{where}: says that {name} takes no mail (RFC 7505)", replace_it)
    if is_ip_address(target):
        return required(
            "mx-address", f"{line}{where}: an MX leads to a name, never to an address", replace_it
        )
    if any(target == other.partition(" ")[2] for other in seen.expected[0].values):
        return required("mx-preference", f"{line}{where}: has another preference", sync)
    return required("mx-surplus", f"{line}{where}: is not ours, mail goes there too, or first", replace_it)
