"""How a walk with policies must end: as the last inventory says, and with nothing else of ours left."""

from __future__ import annotations

from dataclasses import replace

from dns.mta_sts.policy import LABEL, id_of
from tests.caches.inventories import MACHINES, MAIN, OTHER
from tests.caches.policy_steps import DAY, NAMES, Certify, EdgeIs
from tests.caches.policy_walk import PolicyWalk

AGES = {"testing": 86400, "enforce": 604800, "none": 86400}


def settle(walk: PolicyWalk) -> None:
    """Put everything in order that the user and Cloudflare have broken, and let runs go on until the end."""
    for step in (EdgeIs(10.0, False), *(Certify(name, 400.0) for name in MACHINES)):
        step.take(walk)
    for _ in range(3):
        if not walk.deploy(walk.wanted):
            _obey(walk)
        for domain in sorted({MAIN, OTHER} - set(walk.wanted.domains)):
            walk.withdraw(domain)
        walk.passes(9 * DAY)
    assert walk.deploy(walk.wanted), "\n".join(walk.log)


def _obey(walk: PolicyWalk) -> None:
    """Do what the message says, if a policy that the inventory leaves out does not list a host that comes."""
    domains = {name: dict(data) for name, data in walk.wanted.domains.items()}
    for name, data in domains.items():
        if f"{name}: no MX leads to" in walk.log[-1] and "mta_sts" not in data:
            data["mta_sts"] = "testing"
    walk.wanted = replace(walk.wanted, domains=domains)


def state_of(walk: PolicyWalk) -> dict[str, tuple[str, set[str], int]]:
    """The mode, the mail hosts and the max_age of each domain's policy, which its TXT record names."""
    found = {}
    for domain in (MAIN, OTHER):
        policy = walk.site.edge.serves(domain).policy
        published = id_of(walk.site.authority.latest(f"{LABEL}.{domain}", "TXT"))
        left_out = domain in walk.wanted.domains and "mta_sts" not in walk.wanted.domains[domain]
        if policy and published is None and left_out:
            continue  # a run was killed before the TXT record, and the user wants no other
        data = walk.wanted.domains.get(domain)
        if published is None and data is not None and "mta_sts" not in data:
            continue  # a first run was cut off, then the option was left out: no sender asks for it
        assert published == (policy.id if policy else None), "\n".join(walk.log)
        if policy:
            found[domain] = (policy.mode, set(policy.mx), policy.max_age)
    return found


def check_end(walk: PolicyWalk) -> None:
    """Everything is as the last inventory says, and nothing of ours is left where nothing is wanted."""
    hosts = {NAMES[name] for name in walk.wanted.hosts}
    found = state_of(walk)
    for domain, data in walk.wanted.domains.items():
        mx = walk.site.authority.latest(domain, "MX")
        assert {value.split()[1] for value in mx} == hosts, "\n".join(walk.log)
        mode = data.get("mta_sts")
        if mode in ("testing", "enforce"):
            assert found[domain] == (mode, hosts, AGES[mode]), "\n".join(walk.log)
        elif mode == "none":
            assert domain not in found, "\n".join(walk.log)
        elif domain in found:
            # What is left out stays as it stands.
            assert hosts <= found[domain][1] or found[domain][0] == "none", "\n".join(walk.log)
    assert set(found) <= set(walk.wanted.domains), "\n".join(walk.log)


def check_nothing_is_left(walk: PolicyWalk) -> None:
    """Withdraw everything. In the end nothing of ours is left."""
    for _ in range(3):
        for domain in (MAIN, OTHER):
            assert walk.withdraw(domain), "\n".join(walk.log)
        walk.passes(9 * DAY)
    cloudflare = walk.site.authority.cloudflare
    left = [
        f"{r['type']} {r['name']} {r['comment']}" for zone in (MAIN, OTHER) for r in cloudflare.records(zone)
    ]
    assert not left, "\n".join([*walk.log, *left])
    assert not cloudflare.account.scripts and not cloudflare.account.domains, "\n".join(walk.log)
