"""The command line of `letterbox doctor`.

Exit codes: 0: all links hold. 1: one is broken. 77: the user is not root (EX_NOPERM of sysexits.h).
"""

from __future__ import annotations

import argparse
import os
import pwd
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from receiver.cli import configuration
from receiver.cli.command import Failure, add_form, print_json, run_command, wants_json
from receiver.cli.terminal import Screen
from receiver.config.load import ConfigError, load
from receiver.config.values import Config
from receiver.doctor import dialogue, disk, firewall, links, units
from receiver.doctor.links import Link
from receiver.doctor.units import DEPLOY
from receiver.smtp.certificate import Certificate, CertificateError
from receiver.system import privileges

PORT = 25
_USER = "letterbox"


def main(argv: Sequence[str]) -> int:
    """Run `letterbox doctor`. `argv` are the arguments after the command's name. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="letterbox doctor",
        description="Check the path of a message on this host, and print the first broken link with its fix. "
        "The path to this host (DNS, the provider's filter) can only be checked from elsewhere: "
        "python -m first_mail.doctor",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", default=configuration.PATH)
    parser.add_argument(
        "--zone", action="append", default=[], metavar="NAME", help="a firewalld zone that mail arrives in"
    )
    add_form(parser)
    arguments = parser.parse_args(argv)
    return run_command(lambda: _doctor(arguments))


def _doctor(arguments: argparse.Namespace) -> int:
    if os.geteuid() != 0:
        raise Failure("the doctor looks where only root may: run it as root (sudo)", os.EX_NOPERM)
    screen, last = Screen(), None
    for link in links.checked(path(arguments.config, arguments.zone)):
        if wants_json(arguments):
            print_json(link.to_json())
        else:
            links.print_link(link, screen)
        last = link
    return 0 if last is not None and last.holds else 1


def path(config: Path, zones: Sequence[str]) -> Iterator[Callable[[], Link]]:
    """The checks of the links on this host, in the order in which a message passes the links.

    `zones` are firewalld zones; if there are none, firewalld is asked for those that mail arrives in.
    """
    yield lambda: firewall.check_zones(zones)
    yield units.check_socket
    yield lambda: check_configuration(config)
    loaded = load(config)  # This cannot fail, because the check before it has loaded the same file.
    yield units.check_service
    for check in (dialogue.check_greeting, dialogue.check_starttls, dialogue.check_rcpt):
        yield _without_root(partial(check, loaded, PORT), loaded.mail)
    yield lambda: disk.check_space(loaded)
    yield lambda: disk.check_folders(loaded, _user()) or dialogue.check_storing(loaded, PORT)


def _without_root(check: Callable[[], Link], mail: Path) -> Callable[[], Link]:
    """The same check in a process without root, because it parses what another process says.

    The process becomes the user that owns the mail, and keeps the network.
    """

    def run() -> Link:
        answer = privileges.ask_child(privileges.owner(mail), lambda: check().to_json(), network=True)
        return links.from_json(answer)

    return run


def check_configuration(path: Path) -> Link:
    """The configuration is good, and so are the certificate's files, as `letterbox check` checks them."""
    try:
        config: Config = load(path)
        if config.tls:
            Certificate(config.tls)
    except ConfigError as error:
        fix = f"letterbox check --config {path}; {DEPLOY} writes it anew"
        return Link("configuration", str(error).splitlines()[0], fix)
    except CertificateError as error:
        return Link("configuration", f"{path}: tls: {error}", f"{DEPLOY} makes a certificate anew")
    return Link("configuration", f"{path} is good, {len(config.domains)} domain(s)")


def _user() -> str | None:
    """The service's user; None if the host has no user of that name."""
    try:
        return pwd.getpwnam(_USER).pw_name
    except KeyError:
        return None
