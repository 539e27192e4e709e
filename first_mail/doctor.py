"""`python -m first_mail.doctor`: why no mail arrives. It walks from the delegation to the Maildir.

For every host of the inventory it looks at three things: what the DNS says, whether packets to port 25 reach
the host (which counts them while a vantage point connects), and what `letterbox doctor` finds on the host.
It ends at the first broken link. Exit codes: 0 every link was seen to hold; 1 no link is broken as far as
could be seen, but one could not be told, or the check could not be made; 2 a link is broken. So 0 never
stands for what was not seen. `dns.check` has the same codes.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from dns.check import examine
from dns.check.findings import Finding
from dns.errors import SyncError
from dns.inventory import Inventory, InventoryError, MailHost, load, over_ssh
from dns.inventory.host_addresses import Addresses
from dns.terminal.arguments import Parser, add_inventory, inventory_path, parse_resolver, parse_seconds
from dns.world.greeting import Greeting
from dns.world.seen import Seen
from dns.world.vantage import vantage_with
from first_mail import message_path, ssh, vantage
from first_mail.port25_counter import counting
from provision.host import layout
from receiver.cli.streams import show_all_characters
from receiver.cli.terminal import BOLD, Screen
from receiver.doctor import links
from receiver.doctor.links import Link
from receiver.doctor.units import DEPLOY

_HOST_SECONDS = 120.0
_USAGE = 2  # the exit code of argparse for wrong usage


@dataclass(frozen=True, slots=True)
class OutsideView:
    """What was seen of a domain and a host from here, before the host itself is asked."""

    seen: Seen
    findings: Sequence[Finding]
    greetings: Mapping[str, Greeting]
    """How each address of the host greeted the vantage point."""
    attempts: Mapping[int, int]
    """What the host counted meanwhile, by IP version."""
    peers: Sequence[str] = ()
    """The addresses that the host saw these come from."""
    unreadable: ssh.HostUnreadable | None = None
    """Why the host could not be asked to count."""

    @property
    def refused_peers(self) -> Sequence[str]:
        """The peers, if one of the greetings did not come. Else none of them is of interest."""
        return self.peers if any(one.failure for one in self.greetings.values()) else ()


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    parser = Parser(
        prog="python -m first_mail.doctor",
        description="Walk a message's path from DNS to disk; name the first broken link and its fix.",
        epilog="Marks: ✓ it holds, ✗ it is broken, ? it cannot be told from here. Exit codes: 0 every link "
        "holds; 1 nothing is broken as far as could be seen, but a link could not be told, or the check "
        "could not be made; 2 a link is broken.",
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
    parser.add_argument(
        "--resolver", type=parse_resolver, metavar="ADDRESS[#PORT]", help="in place of the system's"
    )
    parser.add_argument(
        "--seconds", type=parse_seconds, default=6.0, metavar="S", help="for each connection (6)"
    )
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
    screen, found = Screen(), list[Link]()
    for host in hosts:
        if len(hosts) > 1 and not given.json:
            screen.line(screen.styled(host.name, BOLD))
        screen.live("looking: the DNS, port 25 from outside, the host")
        for link in links.up_to_broken(all_links(inventory, names, host, elsewhere, given)):
            if given.json:
                print(json.dumps({"host": host.name, **link.to_json()}), flush=True)
            else:
                links.print_link(link, screen)
            found.append(link)
    if not given.json:
        links.print_summary(found, screen)
    if any(link.is_broken for link in found):
        return 2
    return 1 if any(link.is_unknown for link in found) else 0


def _hosts_named(inventory: Inventory, path: Path, names: Sequence[str]) -> tuple[MailHost, ...]:
    """The hosts of these names, or all if there is none. Raises InventoryError."""
    unknown = [name for name in names if name not in {host.name for host in inventory.hosts}]
    if unknown:
        known = ", ".join(host.name for host in inventory.hosts)
        raise InventoryError(f"host {unknown[0]} is not in {path}: it has {known}")
    return tuple(host for host in inventory.hosts if not names or host.name in names)


def all_links(
    inventory: Inventory,
    domains: Sequence[str],
    host: MailHost,
    elsewhere: MailHost | None,
    given: argparse.Namespace,
) -> Iterator[Link]:
    """The links in the order of a message. Raises SyncError if the host cannot be asked."""
    place = elsewhere.name if elsewhere else "this machine"
    with ThreadPoolExecutor(1) as pool:
        inside = pool.submit(on_the_host, host, ())  # meanwhile, because both take seconds
        own, unread = over_ssh.read_missing(inventory.hosts)
        views = [look_from_outside(inventory, name, host, elsewhere, given, own, unread) for name in domains]
    view = views[-1]
    found: list[Link] = []
    if not view.unreadable:
        found = on_the_host(host, view.refused_peers) if view.refused_peers else inside.result()
    for name, each in zip(domains, views, strict=True):
        for link in message_path.in_the_dns(name, each.findings, each.seen):
            if found and found[0].name == "program" and link.name == "MX":
                yield found[0]  # Without the program a deploy comes first, and it syncs the DNS, too.
            yield link
    if view.unreadable:
        raise view.unreadable
    yield message_path.arrival(view.greetings, view.attempts, view.seen.outbound_25, place)
    yield from with_filter(found, view, place)
    yield message_path.from_outside(view.greetings, view.attempts, host.hostname, place)
    for each in views:
        if each.seen.dane:
            yield message_path.dane(each.seen, host.hostname, view.greetings)


def with_filter(found: Sequence[Link], view: OutsideView, place: str) -> Iterator[Link]:
    """The host's links, the packet filter judged by what came through as well as by its rules.

    A host of 0.1 does not look at its rules, and has no such link.
    """
    listens = any(link.name == "socket" and not link.is_broken for link in found)
    seen = message_path.past_the_filter(view.greetings, view.attempts, place, listens=listens)
    has_own = any(link.name == "packet filter" for link in found)
    for number, link in enumerate(found):
        if link.name == "packet filter" and not link.is_broken:
            yield seen
        else:
            yield link
            if number == 0 and not has_own and not link.is_broken:
                yield seen


def look_from_outside(
    inventory: Inventory,
    domain: str,
    host: MailHost,
    elsewhere: MailHost | None,
    given: argparse.Namespace,
    own: Mapping[str, Addresses],
    unread: tuple[str, ...],
) -> OutsideView:
    """The DNS, and port 25 of the host's addresses, while the host counts. Raises SyncError.

    `own` and `unread` are what `over_ssh.read_missing` gave, once for all domains.
    """
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
    if counter is None:
        return OutsideView(seen, findings, greetings, {}, unreadable=unreadable)
    return OutsideView(seen, findings, greetings, counter.attempts, counter.peers)


def on_the_host(host: MailHost, peers: Sequence[str]) -> list[Link]:
    """What `letterbox doctor` finds there, up to the first broken link. Raises HostUnreadable.

    `peers` are the addresses that connections to port 25 came from. Rules on the host may be about them.
    """
    zones = [word for zone in host.firewalld_zones for word in ("--zone", zone)]
    senders = [word for peer in peers for word in ("--peer", peer)]
    command = [layout.COMMAND, "doctor", "--json", *zones]
    done = ssh.run(host, [*command, "--hostname", host.hostname, *senders], seconds=_HOST_SECONDS)
    if done.returncode == _USAGE:  # a host of 0.1 has neither --hostname nor --peer
        done = ssh.run(host, command, seconds=_HOST_SECONDS)
    found = [links.from_json(json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]
    if not found:
        reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        return [Link("program", f"letterbox does not run on the host: {reason}", DEPLOY)]
    return found


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as in `… | head`
    show_all_characters()
    sys.exit(main())
