"""The command line of `python -m dns.check`. It needs no token.

Exit codes: 0 all that is required holds; 2 it does not, or the zone's own nameservers do not answer it; 1 it
could not be determined from here.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from dns.errors import SyncError
from dns.inventory import InventoryError, load, over_ssh
from dns.terminal.arguments import Parser, parse_seconds
from dns.terminal.colour import is_coloured

EPILOG = """exit codes: 0 all that is required holds; 2 it does not, or the zone's own nameservers do not
answer it; 1 it could not be determined from here
environment: LETTERBOX_RESOLVER (as --resolver). Nothing is changed, and no token is needed."""


def main(argv: list[str] | None = None) -> int:
    """Run the command line. Returns the exit code."""
    given = _parse_arguments(sys.argv[1:] if argv is None else argv)
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
    own, unread = over_ssh.read_missing(inventory.hosts)
    asks = domain.dane or domain.mta_sts or any(each.caa_at_hosts for each in inventory.domains)
    keys = over_ssh.read_all_keys(inventory.hosts) if asks else {}
    asks_for_reports = domain.keeps_tls_reports
    tls_reports = over_ssh.read_all_reports(inventory.hosts, domain.name) if asks_for_reports else {}
    from dns.check import report  # late: these import dnspython
    from dns.check.examination import examine
    from dns.check.findings import exit_code
    from dns.terminal import progress
    from dns.world.vantage import vantage_with

    vantage = vantage_with(given.resolver)

    with progress.display(f"{domain.name}: looking from outside", as_lines=False) as on_progress:
        seen, findings = examine(
            inventory,
            domain,
            own,
            vantage=vantage,
            seconds=given.wait,
            on_progress=on_progress,
            unread=unread,
            keys=keys,
            tls_reports=tls_reports,
        )
    found, text = report.to_json(seen, findings), report.lines(seen, findings, colour=is_coloured())
    if given.internet_nl:
        from dns.check import internet_nl

        points = internet_nl.examine(seen, vantage)
        found["internet_nl"] = internet_nl.to_json(points)
        text += ["", *internet_nl.lines(points, colour=is_coloured())]
    print(json.dumps(found, indent=2) if given.json else "\n".join(text))
    return exit_code(findings)


def _parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="python -m dns.check",
        description="Check from outside whether a domain can receive mail.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("domain", metavar="DOMAIN", help="a domain of the inventory")
    parser.add_argument("--inventory", default="inventory.py", metavar="FILE", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print what was found as one JSON object")
    parser.add_argument(
        "--internet-nl",
        action="store_true",
        help="also judge the points of internet.nl's mail test that are about receiving: some 30 connections "
        "to port 25 of each address. They do not change the exit code",
    )
    parser.add_argument(
        "--wait",
        type=parse_seconds,
        default=0.0,
        metavar="SECONDS",
        help="look again until all that is required holds, for this long at most (default: look once)",
    )
    parser.add_argument(
        "--resolver",
        metavar="ADDRESS[#PORT]",
        help="ask this resolver in place of the system's and the public ones",
    )
    return parser.parse_args(argv)
