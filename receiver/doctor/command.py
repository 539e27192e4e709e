"""The command line of `letterbox doctor`. Exit codes: 0 nothing is broken; 1 something is; 77 not root."""

from __future__ import annotations

import argparse
import os
import pwd
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from receiver import privileges
from receiver.certificate import Certificate, CertificateError
from receiver.config import Config, ConfigError, load
from receiver.doctor import dialogue, disk, firewall, links, units
from receiver.doctor.links import Link
from receiver.reading import command
from receiver.reading.terminal import Screen

PORT = 25
_USER = "letterbox"


def main(argv: Sequence[str]) -> int:
    """Run the command with the arguments that follow its name; the exit code."""
    parser = argparse.ArgumentParser(
        prog="letterbox doctor",
        description="Walk a message's path on this host, and name the first broken link with its mend. What "
        "lies before it (DNS, the provider's filter) is seen from elsewhere: python -m provision.doctor",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", default=command.CONFIGURATION)
    parser.add_argument(
        "--zone", action="append", default=[], metavar="NAME", help="firewalld zone of the mail"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="an object a line (the default off a terminal)")
    form.add_argument("--text", action="store_true", help="for people (the default on a terminal)")
    return command.guarded(parser.parse_args(argv), _doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    if os.geteuid() != 0:
        raise command.Failure(
            "the doctor looks where only root may: run it as root (sudo)", command.EX_NOPERM
        )
    screen, found = Screen(), None
    for link in links.walked(path(arguments.config, arguments.zone)):
        if command.wants_json(arguments):
            command.print_json(link.to_json())
        else:
            links.show(link, screen)
        found = link
    return 0 if found is not None and found.holds else 1


def path(config: Path, zones: Sequence[str]) -> Iterator[Callable[[], Link]]:
    """The links on the host, in the order that a message takes them."""
    yield lambda: firewall.zone(zones)
    yield units.listening
    yield lambda: configuration(config)
    read = load(config)  # what the link before would have said is not met here
    yield units.running
    for talk in (dialogue.greeting, dialogue.starttls, dialogue.rcpt):
        yield _without_root(partial(talk, read, PORT), read.mail)
    yield lambda: disk.room(read)
    yield lambda: disk.writable(read, _user()) or dialogue.storing(read, PORT)


def _without_root(look: Callable[[], Link], mail: Path) -> Callable[[], Link]:
    """What another process says is read without root: by the user of the mail, who keeps the network."""

    def asked() -> Link:
        answer = privileges.ask_child(privileges.owner(mail), lambda: look().to_json(), network=True)
        return links.from_json(answer)

    return asked


def configuration(path: Path) -> Link:
    """What `letterbox check` looks at."""
    mend = f"letterbox check --config {path}; pyinfra inventory.py deploy.py writes it anew"
    try:
        config: Config = load(path)
        if config.tls:
            Certificate(config.tls)
    except ConfigError as error:
        return Link("configuration", str(error).splitlines()[0], mend)
    except CertificateError as error:
        evidence = f"{path}: tls: {error}"
        return Link("configuration", evidence, "pyinfra inventory.py deploy.py makes a certificate anew")
    return Link("configuration", f"{path} is good, {len(config.domains)} domain(s)")


def _user() -> str | None:
    """The service's user, where there is one of that name."""
    try:
        return pwd.getpwnam(_USER).pw_name
    except KeyError:
        return None
