"""`python -m tests.lab up | status | play | mail | shell | down | demo | picture | newcomer`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from rich.console import Console

from receiver.cli.streams import show_all_characters
from tests.lab import demo, lifecycle
from tests.lab.display import Display
from tests.lab.errors import LabError
from tests.lab.lab import FOLDER
from tests.lab.screen import newcomer, picture
from tests.lab.up import bring_up
from tests.lab.world import STRANGER


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
    bring_up(display, given.folder, fresh=given.fresh, hosts=given.hosts)
    display.note("make lab-play     a shell here, in which all commands work on the lab")
    display.note("make lab-shell    a shell on its mail host")
    return 0


def _play(given: argparse.Namespace) -> int:
    """Run a shell, or a command, with the lab's settings. They end with it, and never meet a real zone."""
    found = lifecycle.find(given.folder)
    if not lifecycle.status(found).machines.get(found.target.name):
        raise LabError("the lab does not run: make lab-up")
    programs = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        **found.environment,
        "INVENTORY": str(found.inventory),
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "debian_chroot": "lab",  # Debian's prompt shows it
    }
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    if not command:
        command = [os.environ.get("SHELL") or "/bin/sh"]
        display = Display()
        display.note("In this shell all commands work on the lab, until you type exit:")
        display.note('  pyinfra "$INVENTORY" deploy.py    the deploy; --dry shows what it would do')
        display.note("  make proof                        a one-time address, to which")
        display.note("  make lab-mail TO=ADDRESS          sends a message, in another lab-play")
        display.note("  make doctor                       why no mail arrives")
    os.execvpe(command[0], command, environment)


def _mail(given: argparse.Namespace) -> int:
    """Let the stranger in the world send a message to this address."""
    found = lifecycle.find(given.folder)
    if not lifecycle.status(found).machines.get(found.world.name):
        raise LabError("the lab does not run: make lab-up")
    found.world.send(demo.letter(given.to).as_bytes(), [given.to])
    Display().note(f"{STRANGER} has sent a message to {given.to}")
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
        display.note(f"the lab {why}: `make lab-up` makes it anew")
        return 1
    return 0


def _shell(given: argparse.Namespace) -> int:
    found = lifecycle.find(given.folder)
    if not lifecycle.status(found).machines.get(given.machine):
        raise LabError(f"{given.machine} does not run: make lab-up")
    terminal = ["-t"] if sys.stdin.isatty() else []
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    os.execvp("ssh", ["ssh", "-F", str(found.ssh_config), *terminal, given.machine, *command])


def _down(given: argparse.Namespace) -> int:
    if os.geteuid() != 0:
        raise LabError("taking the lab down needs root: run  sudo make lab-down")
    display = Display()
    if not lifecycle.take_down(given.folder):
        display.note("the lab does not run: nothing to take down")
        return 0
    display.note("the lab is down: machines, interfaces and mounts are gone; the images are kept")
    return 0


def _demo(given: argparse.Namespace) -> int:
    return demo.run(given.folder, keep=given.keep)


def _picture(given: argparse.Namespace) -> int:
    """Take the picture of README.md anew, in a lab that nobody has touched, and write it."""
    display = Display()
    brought, _ = bring_up(display, given.folder, fresh=True)
    with display.stage("Picture", "deploy, proof, a message") as stage:
        picture.draw(picture.take(brought), picture.FILE)
        stage.say(f"docs/{picture.FILE.name}")
    return 0


def _newcomer(given: argparse.Namespace) -> int:
    """Play a newcomer's first hour on an untouched machine, and print its transcript."""
    display = Display(Console(stderr=True, highlight=False))
    brought, _ = bring_up(display, given.folder, fresh=True, system=newcomer.PATHS[given.path].system)
    for line in newcomer.play(brought, given.path):
        print(line, flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab", description="The throwaway machine and its world."
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the lab keeps its state (.lab)")
    commands = parser.add_subparsers(
        required=True, metavar="up | status | play | mail | shell | down | demo | picture | newcomer"
    )
    up = commands.add_parser("up", help="start it, or repair it")
    up.add_argument("--hosts", type=int, default=1, choices=range(1, 11), help="how many targets (1)")
    up.add_argument("--fresh", action="store_true", help="begin with untouched machines, even if it runs")
    up.set_defaults(run=_up)
    commands.add_parser("status", help="say what of it runs").set_defaults(run=_status)
    shell = commands.add_parser("shell", help="run a shell, or a command, on one of its machines")
    shell.add_argument("machine", nargs="?", default="target", help="target, target2, …, world")
    shell.add_argument("command", nargs=argparse.REMAINDER, help="-- and what to run there")
    shell.set_defaults(run=_shell)
    play = commands.add_parser("play", help="run a shell here, or a command, with the lab's settings")
    play.add_argument("command", nargs=argparse.REMAINDER, help="-- and what to run")
    play.set_defaults(run=_play)
    mail = commands.add_parser("mail", help="let the world send a message")
    mail.add_argument("to", metavar="ADDRESS", nargs="?", default=demo.RECIPIENT, help=demo.RECIPIENT)
    mail.set_defaults(run=_mail)
    commands.add_parser("down", help="remove it").set_defaults(run=_down)
    commands.add_parser("picture", help="take the picture of README.md anew").set_defaults(run=_picture)
    first = commands.add_parser("newcomer", help="play a newcomer's first hour, and print its transcript")
    first.add_argument("path", choices=newcomer.PATHS)
    first.set_defaults(run=_newcomer)
    show = commands.add_parser("demo", help="show the main job, from a bare host to a received message")
    show.add_argument("--keep", action="store_true", help="leave the lab running at the end")
    show.set_defaults(run=_demo)
    return parser


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    show_all_characters()
    sys.exit(main(sys.argv[1:]))
