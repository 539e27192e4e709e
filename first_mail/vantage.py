"""Connecting to port 25 from another host of the inventory, if the network of this machine bars it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dns.inventory import MailHost
from dns.names import ip_version
from dns.world import greeting
from dns.world.greeting import Greeting
from dns.world.vantage import VantagePoint
from first_mail import ssh

_SECONDS = 90
# The other host runs dns/world/greeting.py with this behind it, as one program.
_MAIN = r"""
import json, sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
seconds, count = float(sys.argv[1]), int(sys.argv[2])
addresses, references = sys.argv[3:3 + count], sys.argv[3 + count:]
def reaches(asked):
    name, family = asked
    try: found = socket.getaddrinfo(name, 25, family, socket.SOCK_STREAM)
    except OSError: return False
    return any(greet(each[4][0], seconds=seconds).is_by_organisation_of(name) for each in found[:2])
families = {4: socket.AF_INET, 6: socket.AF_INET6}
with ThreadPoolExecutor(16) as pool:
    found = pool.map(lambda address: asdict(greet(address, seconds=seconds)), addresses)
    pairs = [(version, name) for version in families for name in references]
    good = pool.map(reaches, [(name, families[version]) for version, name in pairs])
    print(json.dumps({
        "addresses": dict(zip(addresses, found)),
        "outbound_25": [version for (version, _), fine in zip(pairs, good) if fine],
    }))
"""


def greetings(
    host: MailHost, addresses: Sequence[str], vantage: VantagePoint
) -> tuple[dict[str, Greeting], frozenset[int]]:
    """How each address greets that host, and the IP versions over which it reaches some port 25.

    Raises HostUnreadable.
    """
    script = Path(greeting.__file__).read_text(encoding="utf-8") + _MAIN
    seconds, count = str(vantage.smtp_seconds), str(len(addresses))
    command = ["python3", "-Ic", script, seconds, count, *addresses, *vantage.references]
    done = ssh.run(host, command, seconds=_SECONDS)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
        found = {address: Greeting(**answer["addresses"][address]) for address in addresses}
        return found, outbound_25(found) | frozenset(answer["outbound_25"])
    except (ValueError, LookupError, TypeError):
        raise ssh.no_answer(host, "python3", done.returncode, done.stderr) from None


def outbound_25(greetings: Mapping[str, Greeting]) -> frozenset[int]:
    """The IP versions over which something came back from one of the addresses, even a refusal. Pure."""
    return frozenset(ip_version(address) for address, one in greetings.items() if one.came_back)
