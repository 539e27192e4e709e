"""Connecting to port 25 from another host of the inventory, where this machine's network bars it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dns.greeting import Greeting
from dns.inventory import MailHost
from dns.vantage import From
from provision import remote

_SCRIPT = r"""
import errno, json, socket, sys
from concurrent.futures import ThreadPoolExecutor
seconds, names = float(sys.argv[1]), sys.argv[2:]
def greet(name):
    try:
        with socket.create_connection((name, 25), seconds) as s:
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
with ThreadPoolExecutor(16) as pool:
    print(json.dumps(dict(zip(names, pool.map(greet, names)))))
"""


def greetings(
    host: MailHost, addresses: Sequence[str], where: From
) -> tuple[dict[str, Greeting], frozenset[int]]:
    """How each address greets that host, and the IP versions in which it reaches some port 25.

    Raises HostUnreadable.
    """
    names = [*addresses, *where.references]
    done = remote.run(host, ["python3", "-Ic", _SCRIPT, str(where.smtp_seconds), *names], seconds=60)
    try:
        said: dict[str, dict[str, Any]] = json.loads(done.stdout)
    except ValueError:
        raise remote.HostUnreadable(remote.unreachable(host, done.stderr)) from None
    found = {address: _greeting(said[address]) for address in addresses}
    reached = {
        6 if ":" in a else 4 for a, one in found.items() if one.failure not in ("timeout", "unreachable")
    }
    if any(not said[name]["failure"] for name in where.references):
        reached |= {4, 6} if reached else {4}
    return found, frozenset(reached)


def _greeting(said: dict[str, Any]) -> Greeting:
    code, _, text = str(said["text"]).partition(" ")
    return Greeting(str(said["failure"]), int(code) if code.isdigit() else 0, text)
