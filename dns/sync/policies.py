"""What a plan needs to know for the MTA-STS policy of its domain. Without one nothing is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from dns.cloudflare.worker_script import digest_of, script_for
from dns.cloudflare.zones import Zones
from dns.dane.facts import Outside
from dns.errors import NotPermitted, SyncError
from dns.inventory import Domain, Inventory, over_ssh
from dns.inventory.host_keys import HostKeys
from dns.mta_sts import announced
from dns.mta_sts.decision import decide
from dns.mta_sts.policy import Served, policy_host
from dns.mta_sts.values import ANNOUNCED, Asked, Known, PolicyPlan
from dns.records import ZoneRecord
from dns.sync.prepared import Prepared

_NOT_ASKED = HostKeys(unread="it was not asked")


def asked_of(
    inventory: Inventory,
    domain: Domain,
    *,
    missing: Iterable[str] = (),
    ending: bool = False,
    forget: bool = False,
) -> Asked:
    """What the inventory wants. Raises SyncError if it wants a policy that is to be forgotten.

    `missing` are the names of hosts that are not part of this run. A domain without a host, or that is
    withdrawn (`ending`), takes its policy back.
    """
    others = tuple(missing)
    ending = ending or not (inventory.hosts or others)
    if forget and not ending and domain.mta_sts not in ("", "none"):
        raise SyncError(
            f'{domain.name}: the inventory wants the policy that is to be forgotten ("mta_sts": '
            f'"{domain.mta_sts}"): write "none" there, or leave the option out'
        )
    hosts = () if ending else tuple(host.hostname for host in inventory.hosts)
    return Asked(domain.name, domain.mta_sts, hosts, () if ending else others, ending, forget)


def looked_up(prepared: Prepared, zones: Zones, *, ask: bool) -> Prepared:
    """The same, with what is known of the policy.

    It is fetched as a sender does, and Cloudflare is asked if that is not what is wanted. If it is to be
    enforced, the certificates of the hosts are looked at, and with `ask` hosts whose keys are not known are
    asked over ssh. Raises SyncError, before anything was changed, if the token may not do what is needed.
    """
    asked, found, now = prepared.asked, prepared.found, prepared.clock()
    if asked is None or prepared.outside is None:
        return prepared
    ours = announced.find(asked.domain, found)
    known = Known()
    wanted = asked.mode in ("testing", "enforce") and not asked.ending
    mx = {held.record.content for held in found if _at(held, "MX", asked.domain)}
    if wanted or (ours.held and not asked.forget and (asked.mode or asked.ending or set(asked.hosts) - mx)):
        known = replace(known, served=prepared.outside.policy(asked.domain))
    if wanted and asked.mode == "enforce":
        known = _with_certificates(known, prepared, prepared.outside, now, ask=ask)
    plan = decide(asked, found, known, now)
    has_worker = any(held.locked and held.record.name == policy_host(asked.domain) for held in found)
    takes_back = asked.ending or asked.forget or asked.mode == "none"
    needs = (plan.publish is not None and not plan.right) or (wanted and plan.publish is None) or plan.remove
    if not (needs or (takes_back and (has_worker or asked.forget or asked.mode == "none"))):
        return replace(prepared, known=known)
    try:
        hosted = zones.workers.look(prepared.zone, asked.domain)
    except NotPermitted:
        if not needs and not has_worker:
            return replace(prepared, known=known)  # there is nothing that it would take the right for
        raise
    own = hosted.domain_service == hosted.script
    known = replace(
        known,
        hosted=own or bool(hosted.digest),
        elsewhere="" if own else hosted.domain_service,
        uploaded=lambda text: own and hosted.digest == digest_of(script_for(asked.domain, text)),
    )
    return replace(prepared, known=known)


def _at(held: ZoneRecord, kind: str, name: str) -> bool:
    return (held.record.type, held.record.name) == (kind, name)


def _with_certificates(
    known: Known, prepared: Prepared, outside: Outside, now: datetime, *, ask: bool
) -> Known:
    hosts, held = prepared.inventory.hosts, dict(prepared.keys)
    if ask:
        held |= over_ssh.read_all_keys([host for host in hosts if host.name not in held])
    problems: dict[str, str] = {}
    unread: dict[str, str] = {}
    for host in hosts:
        own = held.get(host.name, _NOT_ASKED)
        if own.unread or not own.chain:  # no answer is not an answer: it may be restarting
            unread[host.hostname] = own.unread or "nothing serves a certificate on its port 25"
            continue
        try:
            problems[host.hostname] = outside.trusted(host.hostname, own.chain, now)
        except SyncError as error:
            unread[host.hostname] = str(error)
    return replace(known, certificates=problems, unread=unread)


def not_served(domain: str, policy: PolicyPlan, served: Served, *, standing: bool) -> str:
    """The line that says why a policy is not known to be served, and what waits for that."""
    why = why_not(served)
    if standing:
        return f"{domain}: whether its MTA-STS policy is served is not known ({why}): run again later"
    waits = "its TXT record waits"
    if policy.mx == ANNOUNCED:
        waits = "its TXT record and its new MX wait"
    return (
        f"{domain}: its MTA-STS policy is uploaded, but not served yet ({why}), so {waits}: run this or "
        "deploy again in some minutes"
    )


def why_not(served: Served) -> str:
    """Why what is wanted is not known to be served, in words."""
    if served.failure:
        return served.failure
    return "its name has no address yet" if served.absent else "an older one is served still"
