"""`python -m tests.lab up | status | shell | down | demo`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from rich.console import Console

from tests.lab import demo, lifecycle
from tests.lab.display import Display
from tests.lab.errors import LabError
from tests.lab.lab import FOLDER
from tests.lab.up import bring_up


def main(argv: list[str]) -> int:
    """Run a command of the lab, and return its exit code. An error is one line on standard error."""
    given = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return int(given.run(given))
    except LabError as error:
        Console(stderr=True, highlight=False).print(f"lab: {error}", markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130


def _up(given: argparse.Namespace) -> int:
    display = Display()
    brought, _ = bring_up(display, given.folder, fresh=given.fresh, hosts=given.hosts)
    display.note(f"ssh -F {_short(brought.ssh_config)} target")
    display.note(f"set -a; . {_short(brought.folder / 'env')}; pyinfra {_short(brought.inventory)} deploy.py")
    return 0


def _status(given: argparse.Namespace) -> int:
    found = lifecycle.find(given.folder)
    seen = lifecycle.status(found)
    display = Display()
    if not seen.anything:
        display.note("the lab does not run")
        return 1
    for machine in found.machines:
        state = "runs" if seen.machines[machine.name] else "does not run"
        display.note(f"{machine.name:<8} {state:<13} {machine.ipv4}  {machine.ipv6}  {machine.hostname}")
    display.note(f"network  {'is there' if seen.network else 'is missing':<13} {found.network.name}")
    if not seen.healthy:
        why = (
            "was made from an older checkout"
            if seen.current is False and all(seen.machines.values())
            else "is not whole"
        )
        display.note(f"the lab {why}: `python -m tests.lab up` makes it anew")
        return 1
    return 0


def _shell(given: argparse.Namespace) -> int:
    found = lifecycle.find(given.folder)
    if not lifecycle.status(found).machines.get(given.machine):
        raise LabError(f"{given.machine} does not run: python -m tests.lab up")
    terminal = ["-t"] if sys.stdin.isatty() else []
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    os.execvp("ssh", ["ssh", "-F", str(found.ssh_config), *terminal, given.machine, *command])


def _down(given: argparse.Namespace) -> int:
    if os.geteuid() != 0:
        raise LabError("taking the lab down needs root: run  sudo python -m tests.lab down")
    display = Display()
    if not lifecycle.take_down(given.folder):
        display.note("the lab does not run: nothing to take down")
        return 0
    display.note("the lab is down: machines, interfaces and mounts are gone; the images are kept")
    return 0


def _demo(given: argparse.Namespace) -> int:
    return demo.run(given.folder, keep=given.keep)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab", description="The throwaway machine and its world."
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the lab keeps its state (.lab)")
    commands = parser.add_subparsers(required=True, metavar="up | status | shell | down | demo")
    up = commands.add_parser("up", help="start it, or repair it")
    up.add_argument("--hosts", type=int, default=1, choices=range(1, 11), help="how many targets (1)")
    up.add_argument("--fresh", action="store_true", help="begin with untouched machines, even if it runs")
    up.set_defaults(run=_up)
    commands.add_parser("status", help="say what of it runs").set_defaults(run=_status)
    shell = commands.add_parser("shell", help="run a shell, or a command, on one of its machines")
    shell.add_argument("machine", nargs="?", default="target", help="target, target2, …, world")
    shell.add_argument("command", nargs=argparse.REMAINDER, help="-- and what to run there")
    shell.set_defaults(run=_shell)
    commands.add_parser("down", help="remove it").set_defaults(run=_down)
    show = commands.add_parser("demo", help="show the main job, from a bare host to a received message")
    show.add_argument("--keep", action="store_true", help="leave the lab running at the end")
    show.set_defaults(run=_demo)
    return parser


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
