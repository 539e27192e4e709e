"""Looking at what senders are told of a domain's MTA-STS policy, and at the policy that they get."""

from __future__ import annotations

from collections.abc import Sequence

from dns.inventory.domain import TLS_REPORTS
from dns.mta_sts.policy import LABEL, is_record
from dns.names import LONGEST
from dns.world import asking, policy
from dns.world.answers import Answer
from dns.world.nameservers import Server, ask_any
from dns.world.seen import PolicySeen
from dns.world.vantage import VantagePoint

FETCH_SECONDS = 15.0


def look_at_policy(
    domain: str, wanted: str, servers: Sequence[Server], vantage: VantagePoint
) -> PolicySeen | None:
    """Ask each nameserver for the TXT record of MTA-STS, and fetch the policy as a sender does.

    `wanted` is the mode that the inventory asks for. Without one a single question finds out whether somebody
    else publishes a policy, and nothing more is asked if nobody does. Then None is returned.
    """
    name = f"{LABEL}.{domain}"
    if not servers or len(f"{TLS_REPORTS}.{domain}") > LONGEST:
        return None
    if not wanted and not any(map(is_record, ask_any(servers, name, "TXT", vantage.port).values)):
        return None
    told = tuple((server, _ask(server, name, vantage.port)) for server in servers)
    reports = ask_any(servers, f"{TLS_REPORTS}.{domain}", "TXT", vantage.port)
    served = policy.fetch(domain, vantage, seconds=FETCH_SECONDS)
    return PolicySeen(wanted, told, served, reports)


def _ask(server: Server, name: str, port: int) -> Answer:
    return asking.ask_again_if_lost(server.address, name, "TXT", port=port)
