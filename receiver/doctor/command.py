"""The command line of `letterbox doctor`.

Exit codes: 0: all links hold. 1: one is broken. 3: none is broken, but one could not be told, as monitoring
plugins say "unknown". 77: the user is not root (EX_NOPERM of sysexits.h).
"""

from __future__ import annotations

import argparse
import ipaddress
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
from receiver.doctor import (
    certificate,
    deployed,
    dialogue,
    disk,
    firewall,
    links,
    packet_filter,
    rspamd,
    units,
)
from receiver.doctor.links import Link
from receiver.doctor.services import bucket, heartbeat, hooks, renewal, resolver
from receiver.doctor.units import DEPLOY
from receiver.hooks.configured import configured
from receiver.imap import dovecot
from receiver.smtp.certificate import Certificate, CertificateError
from receiver.system import privileges

PORT = 25
_USER = "letterbox"
_UNKNOWN = 3


def main(argv: Sequence[str]) -> int:
    """Run `letterbox doctor`. `argv` are the arguments after the command's name. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="letterbox doctor",
        description="Check the path of a message on this host, and print the first broken link with its fix. "
        "The path to this host (DNS, the provider's filter) can only be checked from elsewhere: "
        "python -m first_mail.doctor",
        epilog="Marks: ✓ it holds, ✗ it is broken, ? it cannot be told. Exit codes: 0 all links hold; 1 one "
        "is broken; 3 none is broken as far as could be seen, but one could not be told; 77 not root.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", default=configuration.PATH)
    parser.add_argument(
        "--zone", action="append", default=[], metavar="NAME", help="a firewalld zone that mail arrives in"
    )
    parser.add_argument("--hostname", metavar="NAME", help="the name that the MX gives this host")
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="ADDRESS",
        type=_address,
        help="a sender that does not get through: rules for its address are judged, too",
    )
    add_form(parser)
    arguments = parser.parse_args(argv)
    return run_command(lambda: _doctor(arguments))


def _doctor(arguments: argparse.Namespace) -> int:
    if os.geteuid() != 0:
        raise Failure("the doctor looks where only root may: run it as root (sudo)", os.EX_NOPERM)
    screen, found = Screen(), []
    for link in links.checked(path(arguments.config, arguments.zone, arguments.peer, arguments.hostname)):
        if wants_json(arguments):
            print_json(link.to_json())
        else:
            links.print_link(link, screen)
        found.append(link)
    if not wants_json(arguments):
        links.print_summary(found, screen)
    if any(link.is_broken for link in found):
        return 1
    return _UNKNOWN if any(link.is_unknown for link in found) else 0


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IP address") from None


def path(
    config: Path, zones: Sequence[str], peers: Sequence[str] = (), hostname: str | None = None
) -> Iterator[Callable[[], Link]]:
    """The checks of the links on this host, in the order in which a message passes the links.

    `zones` are firewalld zones; if there are none, firewalld is asked for those that mail arrives in. `peers`
    are addresses of senders that do not get through. `hostname` is the name that the MX gives this host.
    """
    yield lambda: firewall.check_zones(zones, peers)
    yield lambda: packet_filter.check_packet_filter(peers)
    yield units.check_socket
    yield lambda: check_configuration(config, hostname)
    loaded = load(config)  # This cannot fail, because the check before it has loaded the same file.
    yield lambda: certificate.check_certificate(loaded)
    yield lambda: deployed.check_owners(config, loaded)
    yield deployed.check_release
    yield units.check_service
    yield lambda: deployed.check_loaded(config)
    for check in (dialogue.check_greeting, dialogue.check_starttls, dialogue.check_rcpt):
        yield _without_root(partial(check, loaded, PORT), loaded.mail)
    yield lambda: disk.check_space(loaded)
    yield lambda: disk.check_folders(loaded, _user()) or dialogue.check_storing(loaded, PORT)
    if loaded.store and loaded.store.waits_for_bucket:  # here, because mail comes only through the bucket
        yield from bucket.checks(loaded.store.socket, loaded.mail, loaded.store.promise)
    if loaded.quota:
        yield _without_root(lambda: disk.check_quotas(loaded), loaded.mail)
    if loaded.checks:
        yield _without_root(partial(resolver.check_resolver, loaded), loaded.mail)
        yield resolver.check_undecided
    if loaded.spam_filter:
        yield partial(rspamd.check_rspamd, loaded.spam_filter, _USER)
    if dovecot.CONFIGURATION.is_file():
        yield check_imap
    if renewal.is_there():  # near the end, because mail comes while the certificate is still good
        yield _without_root(renewal.check_renewal, loaded.mail)
    if loaded.store and not loaded.store.waits_for_bucket:
        yield from bucket.checks(loaded.store.socket, loaded.mail, loaded.store.promise)
    if loaded.hooks:
        yield lambda: hooks.check_hooks(loaded.mail, configured(configuration.read_table(config)))
    if heartbeat.is_there():  # the last one, because it only tells what the others find
        yield _without_root(heartbeat.check_heartbeat, loaded.mail)


def _without_root(check: Callable[[], Link], mail: Path) -> Callable[[], Link]:
    """The same check in a process without root, because it parses what another process says.

    The process becomes the user that owns the mail, and keeps the network.
    """

    def run() -> Link:
        answer = privileges.ask_child(privileges.owner(mail), lambda: check().to_json(), network=True)
        return links.from_json(answer)

    return run


def check_configuration(path: Path, hostname: str | None = None) -> Link:
    """The configuration is good, and so are the certificate's files, as `letterbox check` checks them.

    Its host has the given name, if one is given.
    """
    try:
        config: Config = load(path)
        if config.tls:
            Certificate(config.tls)
    except ConfigError as error:
        fix = f"{DEPLOY} writes it anew; letterbox check --config {path} lists its problems"
        return Link("configuration", str(error).splitlines()[0], fix)
    except CertificateError as error:
        return Link("configuration", f"{path}: tls: {error}", f"{DEPLOY} makes a certificate anew")
    if hostname and config.hostname != hostname:
        evidence = f"{path}: the host is {config.hostname} here, and {hostname} in the inventory"
        return Link("configuration", evidence, DEPLOY)
    return Link("configuration", f"{path} is good, {len(config.domains)} domain(s)")


def check_imap() -> Link:
    """`letterbox imap` would begin a session. Mail comes without it, so the link is never broken."""
    try:
        return Link("imap", dovecot.check())
    except Failure as failure:
        return Link("imap", str(failure), look=DEPLOY)


def _user() -> str | None:
    """The service's user; None if the host has no user of that name."""
    try:
        return pwd.getpwnam(_USER).pw_name
    except KeyError:
        return None
