"""Whether firewalld lets mail in: zones, rich rules, forwards, policies, source zones and direct rules.

Each is looked at as it is now and as it will be after a restart. A fix changes what has to change of the two.
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Collection, Iterator, Sequence

from receiver.doctor import firewalld
from receiver.doctor.admission import (
    REFUSING,
    Refusal,
    Settings,
    admits,
    applies_first,
    bound_elsewhere,
    refusals,
)
from receiver.doctor.links import Link

_LINK = "firewall zone"
_WHEN = {(True, True): "", (True, False): " now", (False, True): " after a restart"}


def check_zones(named: Sequence[str], peers: Collection[str] = ()) -> Link:
    """25/tcp is open in the named zones, for everybody and for `peers`, and nothing in firewalld refuses it.

    If no zone is named, these are the zones of the interfaces with a default route, or else the default zone.
    `peers` are addresses of senders that did not get through. Rules for certain addresses are judged by them.
    """
    if not firewalld.runs():
        return _of_a_stopped_firewalld(named)
    try:
        zones = list(named) or firewalld.zones_with_a_route()
        for broken in _broken(zones, peers):
            return broken
    except firewalld.ERRORS as error:
        return Link(_LINK, f"firewalld does not answer: {error}", "systemctl restart firewalld")
    return Link(_LINK, f"25/tcp is open in {', '.join(zones)}")


def _of_a_stopped_firewalld(named: Sequence[str]) -> Link:
    """A firewalld that is stopped closes nothing. One that starts at the next boot may."""
    if not firewalld.starts_at_boot():
        return Link(_LINK, "firewalld does not run, so it closes nothing")
    try:
        zones = list(named) or [firewalld.offline("--get-default-zone")[1]]
        for zone in zones:
            queries = ("--query-service=smtp", "--query-port=25/tcp")
            if not any(firewalld.offline(f"--zone={zone}", query)[0] == 0 for query in queries):
                evidence = f"firewalld does not run, and after a restart 25/tcp is closed in {zone}"
                return Link(_LINK, evidence, f"firewall-offline-cmd --zone={zone} --add-service=smtp")
    except firewalld.ERRORS as error:
        look = "firewall-offline-cmd --list-all"
        return Link(_LINK, f"firewalld starts at the next boot, and cannot be asked now: {error}", look=look)
    return Link(_LINK, f"firewalld does not run; 25/tcp is open in {', '.join(zones)} when it does")


def _broken(zones: Sequence[str], peers: Collection[str]) -> Iterator[Link]:
    bound = {
        name: source
        for name, sources in firewalld.zones_of_sources().items()
        if name not in zones and (source := bound_elsewhere(sources, peers))
    }
    for name in (*zones, *bound):
        now, later = firewalld.zone(name), firewalld.zone(name, permanent=True)
        why = f" ({bound[name]} is bound to it)" if name in bound else ""
        if not (admits(now) and admits(later)):
            yield _closed(name, why, admits(now), admits(later))
        yield from _refused(f"zone {name}{why}", f"--zone={name}", now, later, peers)
    policies, permanent = firewalld.policies(), firewalld.permanent_policies()
    for name in {**policies, **permanent}:
        now, later = (
            each if (each := found.get(name)) and applies_first(each, [*zones, *bound]) else Settings()
            for found in (policies, permanent)
        )
        if _shuts(now) or _shuts(later):
            option = f"--policy={name}"
            add = Refusal(f"its target is {now.target}", _opening())
            yield _removal(f"policy {name}", option, add, now=_shuts(now), later=_shuts(later))
        yield from _refused(f"policy {name}", f"--policy={name}", now, later, peers)
    yield from _direct()


def _opening() -> str:
    return "--add-service=smtp" if firewalld.smtp_is_25() else "--add-port=25/tcp"


def _closed(zone: str, why: str, open_now: bool, open_later: bool) -> Link:
    commands = _commands(f"--zone={zone}", _opening(), now=not open_now, later=not open_later)
    if open_now:
        return Link(_LINK, f"25/tcp is open in {zone}{why} now, but closed after a restart", commands)
    return Link(_LINK, f"25/tcp is closed in {zone}{why}", commands)


def _shuts(policy: Settings) -> bool:
    return policy.target in REFUSING and not admits(policy)


def _refused(
    where: str, option: str, now: Settings, later: Settings, peers: Collection[str]
) -> Iterator[Link]:
    at_present, permanent = list(refusals(now, peers)), list(refusals(later, peers))
    for refusal in dict.fromkeys([*at_present, *permanent]):
        yield _removal(where, option, refusal, now=refusal in at_present, later=refusal in permanent)


def _removal(where: str, option: str, refusal: Refusal, *, now: bool, later: bool) -> Link:
    fix = _commands(option, refusal.option, now=now, later=later)
    return Link(_LINK, f"{where}: {refusal.what}{_WHEN[now, later]}", fix)


def _commands(place: str, option: str, *, now: bool, later: bool) -> str:
    commands = [f"firewall-cmd {place} {option}"] if now else []
    commands += [f"firewall-cmd --permanent {place} {option}"] if later else []
    return " && ".join(commands)


def _direct() -> Iterator[Link]:
    """Direct rules (firewalld.direct(5)) that drop or reject 25/tcp of everybody."""
    now, later = firewalld.direct_rules(), firewalld.direct_rules(permanent=True)
    for rule in dict.fromkeys([*now, *later]):
        family, table, chain, priority, words = rule
        if not _drops_smtp(words) or not chain.startswith(("INPUT", "PREROUTING")):
            continue
        text = f"{family} {table} {chain} {priority} {shlex.join(words)}"
        refusal = Refusal(f"{text} takes 25/tcp away", f"--remove-rule {text}")
        yield _removal("direct rule", "--direct", refusal, now=rule in now, later=rule in later)


def _drops_smtp(words: Sequence[str]) -> bool:
    text = f" {' '.join(words)} "
    ports = [word for option, word in itertools.pairwise(words) if option.startswith("--dport")]
    about = not ports or any("25" in word.replace(":", ",").split(",") for word in ports)
    narrow = any(option in text for option in (" -s ", " --source ", " --sport ", " -m set ", " ! "))
    return about and not narrow and any(f" -j {target} " in text for target in ("DROP", "REJECT", "DNAT"))
