"""Whether the world sees what a domain that receives mail needs: ``python -m dns.check DOMAIN``.

It looks from outside, with no token, at the delegation, every nameserver address, resolvers, and the
mail hosts themselves. Exit codes: 0 all that is required holds; 2 it does not, or the zone's own
nameservers do not answer it; 1 it could not be told from here.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dns.check.findings import Finding, exit_code
from dns.errors import HostUnreadable, SyncError
from dns.inventory.checked import Domain, Inventory, InventoryError, load
from dns.inventory.host_addresses import Addresses, is_complete, read_over_ssh
from dns.terminal.arguments import Parser, named_resolver, seconds

LONGEST_PAUSE = 5.0
EPILOG = """exit codes: 0 all that is required holds; 2 it does not, or the zone's own nameservers do not
answer it; 1 it could not be told from here
environment: LETTERBOX_RESOLVER (as --resolver). Looks only; no token is needed."""


def main(argv: list[str] | None = None) -> int:
    """The command line; the exit code."""
    given = _parsed(sys.argv[1:] if argv is None else argv)
    try:
        return _run(given)
    except (SyncError, InventoryError) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    return 1


def _run(given: argparse.Namespace) -> int:
    inventory = load(Path(given.inventory))
    domain = inventory.domain(given.domain)
    own, unread = own_addresses(inventory)
    from dns.check import report
    from dns.terminal import progress

    with progress.shown(f"{domain.name}: looking from outside", in_lines=False) as show:
        seen, findings = examine(
            inventory, domain, own, resolver=given.resolver, seconds=given.wait, show=show, unread=unread
        )
    if given.json:
        print(report.as_json(seen, findings))
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print(*report.lines(seen, findings, colour=colour), sep="\n")
    return exit_code(findings)


def own_addresses(inventory: Inventory) -> tuple[dict[str, Addresses], tuple[str, ...]]:
    """What the hosts have whose addresses the inventory leaves out, and why some could not be read."""
    own: dict[str, Addresses] = {}
    unread: list[str] = []
    for host in inventory.hosts:
        if not is_complete(host):
            try:
                own[host.name] = read_over_ssh(host)
            except HostUnreadable as error:
                unread.append(str(error))
    return own, tuple(unread)


def examine(
    inventory: Inventory,
    domain: Domain,
    own: Mapping[str, Addresses],
    *,
    resolver: str | None = None,
    nameservers: tuple[str, ...] = (),
    seconds: float = 0.0,
    unread: tuple[str, ...] = (),
    waits_for: Callable[[Finding], bool] = lambda found: found.group == "required" or found.code == "stale",
    show: Any = lambda progress: None,
    where: Any = None,
) -> tuple[Any, list[Finding]]:
    """What is seen of the domain (a ``seen.Seen``), and what is wrong with it.

    Looks again while there are findings that it ``waits_for``, by default what is required and not
    so, and old answers of resolvers; for ``seconds`` at most. ``resolver`` is as for ``dns.sync``;
    ``where`` (a ``vantage.From``) takes its place.
    """
    from dataclasses import replace

    from dns.check import judge_mail, judge_zone
    from dns.check.outlived import Lifetimes
    from dns.world import look

    place = where or asking_from(resolver)
    ends = time.monotonic() + seconds
    pause = 0.5
    lifetimes = Lifetimes()
    while True:
        seen = look.look(inventory, domain, own, place, nameservers=nameservers, show=show)
        seen = replace(seen, unread=unread, outlived=lifetimes.outlived(seen, time.monotonic()))
        findings = [*judge_zone.judged(seen), *judge_mail.judged(seen)]
        if not any(waits_for(finding) for finding in findings) or time.monotonic() + pause > ends:
            return seen, findings
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def asking_from(resolver: str | None) -> Any:
    """The resolver that was named and no other; else the system's, with public ones beside it."""
    from dns.world.served import Server, resolver_at
    from dns.world.vantage import PUBLIC_RESOLVERS, From

    named = named_resolver(resolver)
    at = resolver_at(named)
    addresses = [str(address) for address in at.nameservers]
    if not named:
        addresses += [address for address in PUBLIC_RESOLVERS if address not in addresses]
    return From(at, tuple(Server("resolver", address) for address in addresses))


def _parsed(argv: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="python -m dns.check",
        description="Check from outside whether a domain can receive mail.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("domain", metavar="DOMAIN", help="a domain of the inventory")
    parser.add_argument("--inventory", default="inventory.py", metavar="FILE", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="what was found as one JSON object")
    parser.add_argument(
        "--wait",
        type=seconds,
        default=0.0,
        metavar="SECONDS",
        help="look again until all that is required holds, for so long at most (default: look once)",
    )
    parser.add_argument(
        "--resolver", metavar="ADDRESS[#PORT]", help="in place of the system's and the public resolvers"
    )
    return parser.parse_args(argv)
