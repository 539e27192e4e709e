"""Connecting to port 25 from another host of the inventory, where this machine's network bars it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dns.greeting import Greeting
from dns.inventory import MailHost
from dns.vantage import From
from first_mail import ssh

_SCRIPT = r"""
import errno, json, socket, sys
from concurrent.futures import ThreadPoolExecutor
seconds, count = float(sys.argv[1]), int(sys.argv[2])
addresses, references = sys.argv[3:3 + count], sys.argv[3 + count:]
def greet(address):
    try:
        with socket.create_connection((address, 25), seconds) as s:
            s.settimeout(seconds)
            line = s.makefile("rb").readline(600).decode("ascii", "replace").strip()
            return {"failure": "" if line else "silent", "text": line}
    except TimeoutError: why = "timeout"
    except ConnectionRefusedError: why = "refused"
    except ConnectionError: why = "silent"
    except OSError as e:
        away = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
        why = "no route" if e.errno in away else "unreachable"
    return {"failure": why, "text": ""}
def greets(asked):
    name, family = asked
    try: found = socket.getaddrinfo(name, 25, family, socket.SOCK_STREAM)
    except OSError: return False
    return any(not greet(each[4][0])["failure"] for each in found[:2])
families = {4: socket.AF_INET, 6: socket.AF_INET6}
with ThreadPoolExecutor(16) as pool:
    told = dict(zip(addresses, pool.map(greet, addresses)))
    each = [(version, name) for version in families for name in references]
    good = pool.map(greets, [(name, families[version]) for version, name in each])
    print(json.dumps({"addresses": told, "leaving": [v for (v, _), fine in zip(each, good) if fine]}))
"""


def greetings(
    host: MailHost, addresses: Sequence[str], where: From
) -> tuple[dict[str, Greeting], frozenset[int]]:
    """How each address greets that host, and the IP versions in which it reaches some port 25.

    Raises HostUnreadable.
    """
    seconds, count = str(where.smtp_seconds), str(len(addresses))
    command = ["python3", "-Ic", _SCRIPT, seconds, count, *addresses, *where.references]
    done = ssh.run(host, command, seconds=90)
    try:
        said: dict[str, Any] = json.loads(done.stdout)
        found = {address: _greeting(said["addresses"][address]) for address in addresses}
        return found, leaving(found) | frozenset(said["leaving"])
    except (ValueError, LookupError, TypeError):
        raise ssh.HostUnreadable(ssh.unreachable(host, done.stderr)) from None


def leaving(greetings: Mapping[str, Greeting]) -> frozenset[int]:
    """The IP versions in which one of the addresses answered, even if it refused. Pure."""
    silent = ("timeout", "unreachable", "no route")
    return frozenset(6 if ":" in at else 4 for at, one in greetings.items() if one.failure not in silent)


def _greeting(said: dict[str, Any]) -> Greeting:
    code, _, text = str(said["text"]).partition(" ")
    return Greeting(str(said["failure"]), int(code) if code.isdigit() else 0, text)
