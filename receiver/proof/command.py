"""The command line of `letterbox proof`, and the wait until a message is durably stored.

The receiver tells this process when the message is on stable storage (see `receiver.one_time`). The address
ends with the process, however the process ends. Exit codes: 0: stored. 1: not in time, or not possible.
77: not root. 78: wrong configuration. 130: interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from receiver import one_time
from receiver.cli import configuration
from receiver.cli.command import Failure, add_form, parse_seconds, run_command, run_reported, wants_json
from receiver.cli.terminal import Screen
from receiver.doctor.command import main as doctor
from receiver.proof import evidence, through_hook
from receiver.proof.display import Display, JsonDisplay
from receiver.reading.command import LATE
from receiver.system import privileges


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code. `argv` has the arguments that follow its name."""
    parser = argparse.ArgumentParser(
        prog="letterbox proof",
        description="Make a one-time address, and wait for a message to it. Exit code 0 if it was stored.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"({configuration.PATH})")
    parser.add_argument("--domain", metavar="NAME", help="the domain of the address (the first)")
    parser.add_argument("--timeout", type=parse_seconds, default=600.0, metavar="S", help="seconds (600)")
    parser.add_argument("--local-part", metavar="TEXT", help=argparse.SUPPRESS)
    parser.add_argument(
        "--hook", metavar="NAME", help="then hand the message to this hook, and say whether it delivered it"
    )
    parser.add_argument("--no-doctor", action="store_true", help="do not look for the cause if none comes")
    parser.add_argument("--while-stdin", action="store_true", help="end when standard input ends")
    add_form(parser)
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    return run_command(lambda: _proof(arguments))


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _proof(arguments: argparse.Namespace) -> int:
    path = arguments.config or configuration.PATH
    table = configuration.read_table(arguments.config)
    mail, domains = table.get("mail"), table.get("domains")
    if not isinstance(mail, str) or not isinstance(domains, dict) or not domains:
        raise Failure(f"{path}: names no mail folder or no domain: run `letterbox check`", os.EX_CONFIG)
    domain = (arguments.domain or next(iter(domains))).lower()
    if domain not in domains:
        raise Failure(f"{domain}: not served here: {path} has {', '.join(domains)}")
    local = arguments.local_part or one_time.new_local_part()
    if not one_time.is_local_part(local):
        raise Failure(f"{local}: not a one-time name", 2)
    if not Path(mail).exists():
        raise Failure(f"{mail}: no such folder: deploy first")
    hooks = table.get("hooks")
    if arguments.hook and not (isinstance(hooks, dict) and arguments.hook in hooks):
        known = ", ".join(hooks) if isinstance(hooks, dict) and hooks else "none"
        raise Failure(f"{arguments.hook}: no such hook: {path} has {known}")
    folder = Path(str(table.get("proofs") or one_time.FOLDER))
    address = f"{local}@{domain}"
    display = JsonDisplay() if wants_json(arguments) else Display(Screen())
    with one_time.open_address(folder, local, domain, Path(mail)) as listening:
        display.address(address)
        # A child without root reads the events of the receiver and the message. It keeps the network to look
        # up the name of the peer. Root removes the address afterwards.
        code = privileges.in_child(
            privileges.owner(Path(mail)),
            lambda: run_reported(lambda: _wait(address, Path(mail), listening, display, arguments)),
            network=True,
            keep=(listening.fileno(),),
            late=LATE,
        )
    if code and not arguments.no_doctor:
        doctor(["--config", str(path), *(["--json"] if wants_json(arguments) else ["--text"])])
    return code


def _wait(
    address: str, mail: Path, listening: socket.socket, display: Display, arguments: argparse.Namespace
) -> int:
    until = time.monotonic() + arguments.timeout
    sources = [listening.fileno(), *([0] if arguments.while_stdin else [])]
    while (left := until - time.monotonic()) > 0:
        display.waiting(left)
        ready, _, _ = select.select(sources, [], [], min(1.0, left))
        if 0 in ready and not os.read(0, 1024):
            raise KeyboardInterrupt
        if listening.fileno() not in ready:
            continue
        event: Mapping[str, object] = json.loads(listening.recv(65_536))
        if event.get("event") == "stored":
            found = evidence.gather(address, mail, event)
            display.stored(found)
            if arguments.hook:
                display.hook(through_hook.deliver(mail, arguments.hook, address, Path(str(found["path"]))))
            return 0
        display.event(event)
    display.late(address, arguments.timeout)
    return 1
