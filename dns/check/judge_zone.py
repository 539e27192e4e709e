"""What is wrong with a domain's zone, as its nameservers and the resolvers answer. Pure.

One cause is one finding: what several nameservers answer alike is said once, and what follows from
something said before is not said. An answer that does not count proves neither that a record is there
nor that it is missing.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import replace

from dns.check import judge_delegation, judge_resolvers
from dns.check.findings import Finding, advised, only_seen_from_here, required, unknown
from dns.check.judge_unanswered import answer_of, unanswered
from dns.cloudflare.proxy import proxied
from dns.records import quoted
from dns.world.answers import Answer, Expected, differing, is_wrong_alias, lacking
from dns.world.answers import unanswered as is_unanswered
from dns.world.seen import Seen, ServerSeen, places


def judged(seen: Seen) -> Iterator[Finding]:
    """The findings about the zone."""
    broken = list(judge_delegation.broken(seen))
    if broken:
        yield from broken
        # Without the way from the root, what answers may be something of this network.
        answered = _wrong_answers(seen) if seen.delegation is None else ()
        yield from (only_seen_from_here(finding) for finding in answered)
        return
    found = list(nameservers(seen))
    misled = list(judge_delegation.misled(seen))
    if misled and any(finding.group == "required" for finding in found):
        yield from misled  # whoever answers in their place cannot know our records
        return
    yield from (replace(finding, group="advised") for finding in misled)
    if not misled:
        yield from judge_delegation.partly_broken(seen)
    yield from found
    signed = list(judge_resolvers.signatures(seen)) if _heard(seen) else []
    refused = any(finding.group == "required" for finding in signed)
    caches = list(judge_resolvers.caches(seen, explained=refused))
    is_bogus = any(finding.code == "bogus" for finding in caches)
    yield from (finding for finding in signed if not (is_bogus and finding.group == "unknown"))
    yield from caches


def nameservers(seen: Seen) -> Iterator[Finding]:
    """Whether every nameserver address answers, with authority, exactly what it should."""
    version = _silent_version(seen)
    if version:
        silent = {one.server.name for one in seen.servers if _is_silent(one)}
        seen = replace(seen, servers=tuple(one for one in seen.servers if not _is_silent(one)))
        # A nameserver that is heard over the other version is up. One that has no other address may be down.
        is_up = silent & {one.server.name for one in seen.servers}
        yield (advised if is_up else unknown)(
            "ip-version",
            f"{seen.zone}: no nameserver answers over IPv{version}, all do over the other",
            "this machine's network probably leads nowhere there: see ip route, or run this from another",
        )
    yield from unanswered(seen)
    yield from _wrong_answers(seen)


def _heard(seen: Seen) -> bool:
    """Whether any nameserver gave any answer that counts."""
    return any(not answer.failure() for one in seen.servers for answer in one.answers.values())


def _is_silent(one: ServerSeen) -> bool:
    return any(answer.silence for answer in one.answers.values())


def _silent_version(seen: Seen) -> int:
    """The IP version of which all addresses are silent, where none of the other is; else 0."""
    silent = {one.server.version for one in seen.servers if _is_silent(one)}
    heard = {one.server.version for one in seen.servers if not _is_silent(one)}
    return silent.pop() if len(silent) == len(heard) == 1 and silent != heard else 0


def _wrong_answers(seen: Seen) -> Iterator[Finding]:
    """Answers that count, and are not as they should be: each wrong value once, with who answers it."""
    aliases: set[str] = set()
    for question in seen.expected:
        said: dict[tuple[str, frozenset[str]], list[ServerSeen]] = {}
        for one in seen.servers:
            answer = answer_of(one, question)
            if not is_unanswered(question, answer) and lacking(question, answer):
                said.setdefault((answer.alias, answer.values), []).append(one)
        for who in said.values():
            where = "" if len(who) == len(seen.servers) else f" at {places(who)}"
            answer = answer_of(who[0], question)
            if question.name in aliases:
                continue  # all types of one name follow the same alias
            if is_wrong_alias(question, answer):
                aliases.add(question.name)
                yield _alias(question, answer, where, seen)
            else:
                yield from _wrong(question, answer, where, seen)


def _alias(question: Expected, answer: Answer, where: str, seen: Seen) -> Finding:
    kind = "a mail host" if question.type in ("A", "AAAA") else "a domain that takes mail"
    return required(
        "alias",
        f"{question.name}: is an alias of {answer.alias}{where}, which {kind} may not be",
        f"python -m dns.sync {seen.domain} --replace-cname {answer.alias}",
        question.name,
        question.type,
    )


def _wrong(question: Expected, answer: Answer, where: str, seen: Seen) -> Iterator[Finding]:
    """A question that is answered with other values than it should be: the likeliest cause of each."""
    name, kind = question.name, question.type
    missing, surplus = differing(question, answer)
    sync = f"python -m dns.sync {seen.domain}"
    for value in surplus:
        if kind == "MX":
            yield replace(_foreign_mx(value, name, where, seen), name=name, type=kind)
        elif proxied(value):
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
                f"{name} {kind} {value}: is no address of this mail host{where}",
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
