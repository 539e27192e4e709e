"""Connecting to port 25 from another host of the inventory, if the network of this machine bars it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from dns.greeting import Greeting
from dns.inventory import MailHost
from dns.vantage import From
from first_mail import ssh
from provision.host.greeting import READ_GREETING, parse_greeting

_SECONDS = 90
_SCRIPT = f"""\
{READ_GREETING}
import errno, json, sys
from concurrent.futures import ThreadPoolExecutor
seconds, count = float(sys.argv[1]), int(sys.argv[2])
addresses, references = sys.argv[3:3 + count], sys.argv[3 + count:]
def greet(address):
    try:
        line = read_greeting(address, seconds)
        return {{"failure": "" if line else "silent", "line": line}}
    except TimeoutError: why = "timeout"
    except ConnectionRefusedError: why = "refused"
    except ConnectionError: why = "silent"
    except OSError as e:
        away = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
        why = "no route" if e.errno in away else "unreachable"
    return {{"failure": why, "line": ""}}
def greets(asked):
    name, family = asked
    try: found = socket.getaddrinfo(name, 25, family, socket.SOCK_STREAM)
    except OSError: return False
    return any(not greet(each[4][0])["failure"] for each in found[:2])
families = {{4: socket.AF_INET, 6: socket.AF_INET6}}
with ThreadPoolExecutor(16) as pool:
    greetings = dict(zip(addresses, pool.map(greet, addresses)))
    each = [(version, name) for version in families for name in references]
    good = pool.map(greets, [(name, families[version]) for version, name in each])
    print(json.dumps({{"addresses": greetings, "leaving": [v for (v, _), fine in zip(each, good) if fine]}}))
"""


def greetings(
    host: MailHost, addresses: Sequence[str], where: From
) -> tuple[dict[str, Greeting], frozenset[int]]:
    """How each address greets that host, and the IP versions in which it reaches the port 25 of anybody.

    Raises HostUnreadable.
    """
    seconds, count = str(where.smtp_seconds), str(len(addresses))
    command = ["python3", "-Ic", _SCRIPT, seconds, count, *addresses, *where.references]
    done = ssh.run(host, command, seconds=_SECONDS)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
        found = {address: _from_json(answer["addresses"][address]) for address in addresses}
        return found, leaving(found) | frozenset(answer["leaving"])
    except (ValueError, LookupError, TypeError):
        raise ssh.no_answer(host, "python3", done.returncode, done.stderr) from None


def leaving(greetings: Mapping[str, Greeting]) -> frozenset[int]:
    """The IP versions in which one of the addresses answered, even if it refused. Pure."""
    silent = ("timeout", "unreachable", "no route")
    return frozenset(ip_address(at).version for at, one in greetings.items() if one.failure not in silent)


def _from_json(value: Mapping[str, object]) -> Greeting:
    first = parse_greeting(str(value["line"]))
    return Greeting(str(value["failure"]), first.code, first.text)
