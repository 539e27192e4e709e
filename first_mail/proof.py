"""`python -m first_mail.proof`: the first mail, proved from the control machine for all the hosts.

The same one-time address is made on every host, because a sender may take any of them. The first host that
stores the message ends the wait. Each host watches its ssh session, so the address ends when this program
does. Exit codes: 0 stored; 1 not in time, or not possible; 130 interrupted.
"""

from __future__ import annotations

import json
import selectors
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dns.inventory import InventoryError, MailHost, load
from dns.terminal.arguments import Parser, add_inventory, inventory_path, parse_seconds
from first_mail import doctor, ssh
from first_mail.display import DisplayWithCode
from provision.host import layout
from receiver.cli.streams import show_all_characters
from receiver.cli.terminal import Screen
from receiver.one_time import new_local_part
from receiver.proof.display import Display, JsonDisplay

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """The one-time address that is waited for, and how long."""

    local: str
    domain: str
    seconds: float
    hook: str = ""
    """The hook that is to deliver the message then. Empty if none is."""

    @property
    def address(self) -> str:
        return f"{self.local}@{self.domain}"


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    parser = Parser(
        prog="python -m first_mail.proof",
        description="Make a one-time address on the inventory's hosts, wait for a message, show how it came.",
    )
    add_inventory(parser)
    parser.add_argument("--domain", metavar="NAME", help="at which of the domains (the first)")
    parser.add_argument("--timeout", type=parse_seconds, default=600.0, metavar="S", help="seconds (600)")
    parser.add_argument(
        "--hook", default="", metavar="NAME", help="then hand the message to this hook of the host"
    )
    parser.add_argument("--no-doctor", action="store_true", help="do not look for the cause if none comes")
    parser.add_argument("--json", action="store_true", help="an object a line")
    given = parser.parse_args(argv)
    try:
        inventory = load(inventory_path(given))
        domain = inventory.domain(given.domain) if given.domain else inventory.domains[0]
        waiting = Waiting(new_local_part(), domain.name, given.timeout, given.hook)
        code = _prove(inventory.hosts, waiting, JsonDisplay() if given.json else DisplayWithCode(Screen()))
        if code and not given.no_doctor:
            doctor.main(["--inventory", str(inventory_path(given)), *(["--json"] if given.json else [])])
        return code
    except (InventoryError, ssh.HostUnreadable) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if sys.stdout.isatty():
            print()  # the line that says how long is left
        path = inventory_path(given)
        named = "" if path == Path("inventory.py") else f" INVENTORY={shlex.quote(str(path))}"
        print("interrupted: the address no longer exists. If you sent a message:", file=sys.stderr)
        print(f"  make doctor{named}", file=sys.stderr)
        return 130


def _prove(hosts: Sequence[MailHost], waiting: Waiting, display: Display) -> int:
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for host in hosts:
            process = stack.enter_context(ssh.running(host, _command(waiting)))
            selector.register(process.stdout, selectors.EVENT_READ, (host, process))  # type: ignore[arg-type]
        for key in list(selector.get_map().values()):
            host, process = key.data
            ssh.begun(host, process, "letterbox")
        ready = [_next_event(*key.data) for key in list(selector.get_map().values())]
        assert all(event["address"] == waiting.address for event in ready)
        display.address(waiting.address)
        until = time.monotonic() + waiting.seconds
        while (left := until - time.monotonic()) > 0:
            display.waiting(left)
            for key, _ in selector.select(min(1.0, left)):
                event = _next_event(*key.data)
                if event["event"] == "stored":
                    display.stored({**event, "host": key.data[0].name})
                    if waiting.hook:
                        display.hook(_next_event(*key.data))
                    return 0
                if event["event"] != "late":
                    display.event(event)
        display.late(waiting.address, waiting.seconds)
    return 1


def _command(waiting: Waiting) -> list[str]:
    """`letterbox proof` on a host. It ends with its input, and by itself soon after our time is up."""
    command = [layout.COMMAND, "proof", "--json", "--while-stdin", "--domain", waiting.domain]
    command += ["--hook", waiting.hook] if waiting.hook else []
    return [*command, "--local-part", waiting.local, "--no-doctor", "--timeout", str(waiting.seconds + 5)]


def _next_event(host: MailHost, process: subprocess.Popen[str]) -> Event:
    """The next line of a host. Raises HostUnreadable, with the host's own words, if the program has ended."""
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline()
    if line:
        event: Event = json.loads(line)
        return event
    raise ssh.no_answer(host, "letterbox", process.wait(), process.stderr.read())


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as in `… | head`
    show_all_characters()
    sys.exit(main())
