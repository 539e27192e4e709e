"""`python -m first_mail.doctor`: why no mail arrives. It walks from the delegation to the Maildir.

For every host of the inventory it looks at three things: what the DNS says, whether packets to port 25 reach
the host (which counts them while a vantage point connects), and what `letterbox doctor` finds on the host.
It ends at the first broken link. Exit codes: 0 nothing is broken; 1 the check could not be made; 2 a link is
broken.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from dns.check import examine
from dns.check.findings import Finding
from dns.errors import SyncError
from dns.inventory import Inventory, InventoryError, MailHost, load, over_ssh
from dns.terminal.arguments import add_inventory, inventory_path
from dns.world.greeting import Greeting
from dns.world.seen import Seen
from dns.world.vantage import vantage_with
from first_mail import message_path, ssh, vantage
from first_mail.port25_counter import counting
from provision.host import layout
from receiver.cli.streams import show_all_characters
from receiver.cli.terminal import BOLD, GREEN, Screen
from receiver.doctor import links
from receiver.doctor.links import Link

_HOST_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class OutsideView:
    """What was seen of a domain and a host from here, before the host itself is asked."""

    seen: Seen
    findings: Sequence[Finding]
    greetings: Mapping[str, Greeting]
    """How each address of the host greeted the vantage point."""
    attempts: Mapping[int, int]
    """What the host counted meanwhile, by IP version."""
    unreadable: ssh.HostUnreadable | None = None
    """Why the host could not be asked to count."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m first_mail.doctor",
        description="Walk a message's path from DNS to disk; name the first broken link and its fix.",
    )
    add_inventory(parser)
    parser.add_argument("--domain", metavar="NAME", help="only this one (all of them)")
    parser.add_argument("--host", action="append", default=[], metavar="NAME", help="only this one (all)")
    parser.add_argument(
        "--from",
        dest="vantage",
        metavar="HOST",
        help="connect from this host of the inventory, not from here",
    )
    parser.add_argument("--resolver", metavar="ADDRESS[#PORT]", help="in place of the system's")
    parser.add_argument("--seconds", type=float, default=6.0, metavar="S", help="for each connection (6)")
    parser.add_argument("--reference", action="append", metavar="NAME", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="an object a line")
    given = parser.parse_args(argv)
    try:
        return _doctor(given)
    except (InventoryError, SyncError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _doctor(given: argparse.Namespace) -> int:
    inventory = load(inventory_path(given))
    names = (
        [inventory.domain(given.domain).name] if given.domain else [each.name for each in inventory.domains]
    )
    hosts = _hosts_named(inventory, inventory_path(given), given.host)
    (elsewhere,) = (
        _hosts_named(inventory, inventory_path(given), [given.vantage]) if given.vantage else (None,)
    )
    screen, broken = Screen(), 0
    for host in hosts:
        if len(hosts) > 1 and not given.json:
            screen.line(screen.styled(host.name, BOLD))
        screen.live("looking: the DNS, port 25 from outside, the host")
        for link in walked(inventory, names, host, elsewhere, given):
            if given.json:
                print(json.dumps({"host": host.name, **link.to_json()}), flush=True)
            else:
                links.print_link(link, screen)
            broken += not link.holds
    if not broken and not given.json:
        screen.line(screen.styled("Nothing is broken.", GREEN, BOLD))
    return 2 if broken else 0


def _hosts_named(inventory: Inventory, path: Path, names: Sequence[str]) -> tuple[MailHost, ...]:
    """The hosts of these names, or all if there is none. Raises InventoryError."""
    unknown = [name for name in names if name not in {host.name for host in inventory.hosts}]
    if unknown:
        known = ", ".join(host.name for host in inventory.hosts)
        raise InventoryError(f"host {unknown[0]} is not in {path}: it has {known}")
    return tuple(host for host in inventory.hosts if not names or host.name in names)


def walked(
    inventory: Inventory,
    domains: Sequence[str],
    host: MailHost,
    elsewhere: MailHost | None,
    given: argparse.Namespace,
) -> Iterator[Link]:
    """All links up to the first broken one."""
    for link in all_links(inventory, domains, host, elsewhere, given):
        yield link
        if not link.holds:
            return


def all_links(
    inventory: Inventory,
    domains: Sequence[str],
    host: MailHost,
    elsewhere: MailHost | None,
    given: argparse.Namespace,
) -> Iterator[Link]:
    """The links in the order of a message. Raises SyncError if the host cannot be asked."""
    place = elsewhere.name if elsewhere else "this machine"
    view: OutsideView | None = None
    for name in domains:
        view = look_from_outside(inventory, name, host, elsewhere, given)
        yield from message_path.in_the_dns(name, view.findings, view.seen)
    assert view is not None
    if view.unreadable:
        raise view.unreadable
    yield message_path.arrival(view.greetings, view.attempts, view.seen.outbound_25, place)
    for number, link in enumerate(on_the_host(host)):
        yield link
        if number == 0:
            yield message_path.past_the_filter(view.greetings, view.attempts, place)
    yield message_path.from_outside(view.greetings, host.hostname, place)


def look_from_outside(
    inventory: Inventory, domain: str, host: MailHost, elsewhere: MailHost | None, given: argparse.Namespace
) -> OutsideView:
    """The DNS, and port 25 of the host's addresses, while the host counts. Raises SyncError."""
    own, unread = over_ssh.read_missing(inventory.hosts)
    where = replace(vantage_with(given.resolver), smtp_seconds=given.seconds)
    if given.reference:
        where = replace(where, references=tuple(given.reference))
    with ExitStack() as stack:
        unreadable, counter = None, None
        try:
            counter = stack.enter_context(counting(host))
        except ssh.HostUnreadable as error:
            unreadable = error  # the DNS can be looked at all the same
        seen, findings = examine(inventory, inventory.domain(domain), own, vantage=where, unread=unread)
        of_the_host = [each for each in seen.addresses if each.hostname == host.hostname]
        if elsewhere is None:
            greetings = {each.address: each.greeting or Greeting(failure="no route") for each in of_the_host}
        else:
            addresses = [each.address for each in of_the_host]
            greetings, outbound_25 = vantage.greetings(elsewhere, addresses, where)
            seen = replace(seen, outbound_25=outbound_25)
        if counter:
            counter.stop()
    return OutsideView(seen, findings, greetings, counter.attempts if counter else {}, unreadable)


def on_the_host(host: MailHost) -> list[Link]:
    """What `letterbox doctor` finds there, up to the first broken link. Raises HostUnreadable."""
    zones = [word for zone in host.firewalld_zones for word in ("--zone", zone)]
    done = ssh.run(host, [layout.COMMAND, "doctor", "--json", *zones], seconds=_HOST_SECONDS)
    found = [links.from_json(json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]
    if not found:
        reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        problem = f"letterbox does not run on the host: {reason}"
        return [Link("program", problem, "pyinfra inventory.py deploy.py")]
    return found


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as in `… | head`
    show_all_characters()
    sys.exit(main())
