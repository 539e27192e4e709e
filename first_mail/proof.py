"""`python -m first_mail.proof`: the first mail, proved from the control machine for all the hosts.

The same one-time address is made on every host, since a sender may take any of them; the first that stores
the message ends the wait. Each host watches its ssh session, so the address ends when this program does.
Exit codes: 0 stored; 1 not in time, or not possible; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from dns.inventory import InventoryError, MailHost, load
from first_mail import doctor, ssh
from provision.host import layout
from receiver.proof_display import JsonTold, Told, Waiting
from receiver.proofs import new_local_part
from receiver.reading.terminal import Screen

Event = Mapping[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m first_mail.proof",
        description="Make a one-time address on the inventory's hosts, wait for a message, show how it came.",
    )
    parser.add_argument("inventory", nargs="?", default="inventory.py", type=Path, metavar="INVENTORY")
    parser.add_argument("--domain", metavar="NAME", help="at which of the domains (the first)")
    parser.add_argument("--timeout", type=float, default=600.0, metavar="S", help="seconds (600)")
    parser.add_argument("--no-doctor", action="store_true", help="do not look for the cause if none comes")
    parser.add_argument("--json", action="store_true", help="an object a line")
    given = parser.parse_args(argv)
    try:
        inventory = load(given.inventory)
        domain = inventory.domain(given.domain) if given.domain else inventory.domains[0]
        waiting = Waiting(new_local_part(), domain.name, given.timeout)
        code = _prove(inventory.hosts, waiting, JsonTold() if given.json else Told(Screen()))
        if code and not given.no_doctor:
            doctor.main([str(given.inventory), *(["--json"] if given.json else [])])
        return code
    except (InventoryError, ssh.HostUnreadable) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: the address exists no more", file=sys.stderr)
        return 130


def _prove(hosts: Sequence[MailHost], waiting: Waiting, told: Told) -> int:
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for host in hosts:
            process = stack.enter_context(_waiting_on(host, waiting))
            selector.register(process.stdout, selectors.EVENT_READ, (host, process))  # type: ignore[arg-type]
        ready = [_first(key.data) for key in list(selector.get_map().values())]
        assert all(event["address"] == waiting.address for event in ready)
        told.address(waiting)
        until = time.monotonic() + waiting.seconds
        while (left := until - time.monotonic()) > 0:
            told.waiting(left)
            for key, _ in selector.select(min(1.0, left)):
                event = _event(key.data)
                if event["event"] == "stored":
                    told.stored({**event, "host": key.data[0].name})
                    return 0
                if event["event"] != "late":
                    told.event(event)
        told.late(waiting)
    return 1


@contextmanager
def _waiting_on(host: MailHost, waiting: Waiting) -> Iterator[subprocess.Popen[str]]:
    """`letterbox proof` on the host; it ends with its standard input, at the latest with this context."""
    command = [layout.COMMAND, "proof", "--json", "--while-stdin", "--domain", waiting.domain]
    command += ["--local-part", waiting.local, "--no-doctor", "--timeout", str(waiting.seconds + 5)]
    with subprocess.Popen(
        ssh.as_root(host, command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        start_new_session=True,  # Ctrl-C is for us; the host learns of it by the end of its input
    ) as process:
        try:
            yield process
        finally:
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _first(data: tuple[MailHost, subprocess.Popen[str]]) -> Event:
    return _event(data)


def _event(data: tuple[MailHost, subprocess.Popen[str]]) -> Event:
    """The next line of a host. Raises HostUnreadable with the host's own words if it has ended."""
    host, process = data
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline()
    if line:
        event: Event = json.loads(line)
        return event
    said = process.stderr.read()
    if process.wait() == 255:
        raise ssh.HostUnreadable(ssh.unreachable(host, said))
    reason = (said.strip().splitlines() or [f"letterbox proof ended with {process.returncode}"])[-1]
    raise ssh.HostUnreadable(f"host {host.name}: {reason.removeprefix('letterbox: ')}")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as in `… | head`
    sys.exit(main())
