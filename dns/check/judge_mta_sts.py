"""What is wrong with the MTA-STS policy, as senders are told of it and as they get it (RFC 8461). Pure.

A sender that has a policy with `enforce` defers its mail if the policy does not list the MX, or if the MX
has no certificate that it trusts. So with `enforce` these are required. With `testing` it delivers, and
reports. A policy that cannot be fetched is unknown: a sender may have kept it.

A domain whose inventory says nothing of MTA-STS is judged too, if somebody publishes a policy for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from dns.check.findings import ELSEWHERE, Finding, advised, required, unknown
from dns.errors import SyncError
from dns.inventory.domain import TLS_REPORTS
from dns.mta_sts.policy import LABEL, Policy, Served, id_of, is_record, policy_host
from dns.world.answers import Answer
from dns.world.nameservers import Server
from dns.world.seen import HostSeen, PolicySeen, Seen

SHORTEST_AGE = timedelta(days=1)
"""What a policy with `enforce` is kept for at least. A shorter one protects for hardly longer than none."""

Problem = Callable[[str, Sequence[str], datetime], str]


def judge(seen: Seen, problem_with: Problem | None = None, now: datetime | None = None) -> Iterator[Finding]:
    """The findings about MTA-STS.

    `problem_with` says why a sender that verifies refuses a chain now or soon. By default that is
    `dns.mta_sts.certificates.problem_with`, at the time of now.
    """
    found = seen.policy
    if found is None or seen.delegation is None:
        return
    if problem_with is None:
        from dns.mta_sts import certificates  # late: it reads what this machine trusts

        problem_with = certificates.problem_with
    yield from _told(found, seen)
    if found.served.policy is None:
        yield from _no_policy(found, seen)
        return
    policy = found.served.policy
    yield from _id(found, policy, seen)
    yield from _mode(found, policy, seen)
    if policy.mode == "none" or not _is_told(found):
        return
    yield from _unlisted(found, policy, seen)
    for host in seen.hosts:
        if policy.lists(host.hostname):
            yield from _certificate(host, policy, seen, problem_with, now or datetime.now(UTC))
    yield from _reports(found, seen)


def _sync(found: PolicySeen, seen: Seen, other: str) -> str:
    return f"python -m dns.sync {seen.domain}" if found.wanted else other


def _name(seen: Seen) -> str:
    return f"{LABEL}.{seen.domain}"


def _answered(found: PolicySeen) -> list[tuple[Server, Answer]]:
    return [(server, answer) for server, answer in found.told if not answer.failure()]


def _is_told(found: PolicySeen) -> bool:
    """Whether a nameserver tells senders of a policy."""
    return any(id_of(answer.values) for _, answer in _answered(found))


def _told(found: PolicySeen, seen: Seen) -> Iterator[Finding]:
    """Whether every nameserver has exactly one TXT record of MTA-STS, and the same one."""
    name = _name(seen)
    answered = _answered(found)
    wanted = found.wanted in ("testing", "enforce")
    if not answered:
        if wanted:
            reason = found.told[0][1].failure() if found.told else "none could be asked"
            problem = f"{name} TXT: no nameserver answers for it ({reason})"
            yield unknown("mta-sts", problem, ELSEWHERE, name, "TXT")
        return
    group = required if wanted else advised
    without: list[str] = []
    for server, answer in answered:
        records = sorted(filter(is_record, answer.values))
        if len(records) > 1:
            problem = f"{name}. TXT: {server} has {len(records)} that begin with v=STSv1, so none counts"
            yield group("mta-sts-two", problem, f'delete {name}. TXT "{records[-1]}"', name, "TXT")
            return
        if records and id_of(answer.values) is None:
            problem = f'{name}. TXT "{records[0]}": is not well formed, so senders ignore it'
            yield group(
                "mta-sts", problem, _sync(found, seen, "give it an id, as RFC 8461 has it"), name, "TXT"
            )
            return
        if not records:
            without.append(str(server))
    if len(without) == len(answered):
        if wanted:
            problem = f"{name}. TXT: is missing, so senders do not ask for the policy"
            yield required("mta-sts-missing", problem, _sync(found, seen, ""), name, "TXT")
        return
    ids = {id_of(answer.values) for _, answer in answered}
    if without or len(ids) > 1:
        where = f"is missing at {', '.join(without)}" if without else "differs from nameserver to nameserver"
        fix = "wait for a minute; if it stays so, ask whoever runs the nameservers"
        yield group("mta-sts-differs", f"{name}. TXT: {where}", fix, name, "TXT")


def _no_policy(found: PolicySeen, seen: Seen) -> Iterator[Finding]:
    """No policy was fetched: it is certainly not there, or it is not known."""
    host = policy_host(seen.domain)
    told = _is_told(found)
    if found.served.absent:
        if told:
            problem = f"{host}: has no address, but {_name(seen)} tells senders of a policy there"
            fix = _sync(found, seen, f"publish the policy, or delete {_name(seen)}. TXT")
            yield (required if found.wanted else advised)("mta-sts-policy", problem, fix, host)
        elif found.wanted in ("testing", "enforce"):
            yield required("mta-sts-policy", f"{host}: has no address", _sync(found, seen, ""), host)
    elif told or found.wanted in ("testing", "enforce"):
        problem = f"the MTA-STS policy of {seen.domain} is not known: {found.served.failure}"
        fix = "run again, or from another network; if it stays so, " + _sync(found, seen, f"look at {host}")
        yield unknown("mta-sts-policy", problem, fix, host)


def _id(found: PolicySeen, policy: Policy, seen: Seen) -> Iterator[Finding]:
    """Whether the id is that of the policy. Ours is its digest, and another one tells senders nothing."""
    ids = {text for _, answer in _answered(found) if (text := id_of(answer.values))}
    if found.wanted and ids and policy.id not in ids:
        problem = (
            f"{_name(seen)}. TXT: its id {min(ids)} is not that of the policy that is served ({policy.id}), "
            "so senders that keep an older policy do not learn of this one"
        )
        yield required("mta-sts-id", problem, _sync(found, seen, ""), _name(seen), "TXT")


def _mode(found: PolicySeen, policy: Policy, seen: Seen) -> Iterator[Finding]:
    """Whether the policy has the mode of the inventory, and stays with senders for long enough."""
    fix = f"python -m dns.sync {seen.domain}, and what it says of the mode"
    if found.wanted and policy.mode != found.wanted:
        problem = f"the MTA-STS policy of {seen.domain}: its mode is {policy.mode}, and not {found.wanted}"
        yield advised("mta-sts-mode", problem, fix)
    elif found.wanted and not _is_ours(found.served, policy):
        problem = f"the MTA-STS policy of {seen.domain}: is not in the form that dns.sync gives it"
        yield advised("mta-sts-mode", problem, fix)
    if policy.mode == "enforce" and policy.max_age < SHORTEST_AGE.total_seconds():
        problem = (
            f"the MTA-STS policy of {seen.domain}: senders keep it for {policy.max_age} s only (max_age)"
        )
        yield advised("mta-sts-age", problem, _sync(found, seen, "set max_age to 604800, a week, or more"))


def _is_ours(served: Served, policy: Policy) -> bool:
    return served.text == policy.text


def _unlisted(found: PolicySeen, policy: Policy, seen: Seen) -> Iterator[Finding]:
    """MX that nameservers answer, and the policy does not list: a sender may not deliver to them."""
    answers = [one.answers.get((seen.domain, "MX")) for one in seen.servers]
    values = {value for each in answers if each and not each.failure() for value in each.values}
    targets = sorted({value.partition(" ")[2] for value in values} - {"."})
    missing = [target for target in targets if not policy.lists(target)]
    if missing:
        does = "defer mail for them" if policy.mode == "enforce" else "report failures"
        names = ", ".join(missing)
        problem = f"the MTA-STS policy of {seen.domain}: does not list the MX {names}, so senders {does}"
        group = required if policy.mode == "enforce" else advised
        fix = _sync(found, seen, "list them in the policy, and change its id")
        yield group("mta-sts-mx", problem, fix, seen.domain, "MX")


def _certificate(
    host: HostSeen, policy: Policy, seen: Seen, problem_with: Problem, now: datetime
) -> Iterator[Finding]:
    """Whether a sender that verifies accepts what the host serves, now and for some days more."""
    served = _chains(host, seen)
    if not served:
        if policy.mode == "enforce":
            problem = f"{host.hostname}: its certificate was not seen from here, and senders verify it"
            yield unknown("mta-sts-certificate", problem, ELSEWHERE, host.hostname)
        return
    for where, chain in served:
        try:
            problem = problem_with(host.hostname, chain, now)
        except SyncError as error:
            yield unknown("mta-sts-certificate", f"{host.hostname}: {error}", ELSEWHERE, host.hostname)
            return
        if problem:
            does = "defer its mail" if policy.mode == "enforce" else "report a failure"
            text = f"{where}: {problem}, so senders that do MTA-STS {does}"
            fix = 'set "certificate": "letsencrypt" for the host and deploy; on it, letterbox doctor says why'
            group = required if policy.mode == "enforce" else advised
            yield group("mta-sts-certificate", text, fix, host.hostname)
            return


def _chains(host: HostSeen, seen: Seen) -> list[tuple[str, tuple[str, ...]]]:
    """What each address of the host serves. If none was reached, what the host itself says of its port 25."""
    found = [
        (f"{place.hostname} ({place.address}) port 25", place.greeting.chain)
        for place in seen.addresses
        if place.hostname == host.hostname
        and place.greeting is not None
        and place.greeting.chain
        and place.greeting.is_by(host.hostname)
    ]
    if not found and host.keys is not None and host.keys.chain:
        found = [(host.hostname, host.keys.chain)]
    return found


def _reports(found: PolicySeen, seen: Seen) -> Iterator[Finding]:
    """Whether senders are told where to report what fails (RFC 8460). Without it nobody learns of it."""
    name = f"{TLS_REPORTS}.{seen.domain}"
    if found.reports.exists is None:
        return  # then other questions were not answered either, and that is a finding of its own
    if not any(text.lower().startswith("v=tlsrptv1") for text in found.reports.values):
        problem = f"{name}. TXT: is missing, so nobody learns of mail that the MTA-STS policy keeps away"
        fix = f'set "tls_reports": True for {seen.domain}, and run python -m dns.sync {seen.domain}'
        yield advised("mta-sts-reports", problem, fix, name, "TXT")
