"""The arguments of `python -m dns.sync`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from dns.plan import Replacing, providers
from dns.records import canonical_content, canonical_name
from dns.sync.report import error_to_json
from dns.terminal.arguments import Parser, parse_resolver, parse_seconds

EPILOG = f"""exit codes: 0 in sync, or made so; 1 failed, with the cause; 2 differs (--dry-run, --check)
a domain with "dane": True gets its zone signed, and the keys of its hosts published; one with
"mta_sts": "testing" or "enforce" gets its policy served by a Worker, and "none" takes it back in
order; see docs/tls.md
environment: CLOUDFLARE_API_TOKEN (Zone > Zone > Read and Zone > DNS > Edit on the zone, and for
"mta_sts" Account > Workers Scripts > Edit), CLOUDFLARE_BASE_URL, LETTERBOX_RESOLVER (as --resolver)
providers: {", ".join(list(providers.KNOWN)[:11])},
{", ".join(list(providers.KNOWN)[11:22])},
{", ".join(list(providers.KNOWN)[22:])}"""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was asked for."""

    domain: str
    inventory: str
    dry_run: bool
    check: bool
    undo: bool
    withdraw: bool
    json: bool
    replacing: Replacing
    forgetting: frozenset[str]
    forget_policy: bool
    wait: float
    resolver: str | None


class _Parser(Parser):
    """Reports a wrong argument as JSON too, if JSON is asked for."""

    wants_json = False

    def error(self, message: str) -> NoReturn:
        if self.wants_json:
            error = error_to_json("", f"{message}: see {self.prog} --help", applied=False)
            print(json.dumps(error, indent=2))
        super().error(message)


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Read the arguments. Exits with 0 after --help, and with 1 and a line of text if they are wrong."""
    parser = _Parser(
        prog="python -m dns.sync",
        description="Make a domain's records at Cloudflare match the inventory.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.wants_json = any(len(word) > 2 and "--json".startswith(word) for word in argv)
    parser.add_argument("domain", metavar="DOMAIN", help="a domain of the inventory, for --withdraw any")
    parser.add_argument("--inventory", default="inventory.py", metavar="FILE", help="default: %(default)s")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    only.add_argument("--check", action="store_true", help="the same in one line, for cron and CI")
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--withdraw",
        action="store_true",
        help="take all our records of DOMAIN away, which need not be in the inventory: its MX at once, the "
        "addresses that it led to when no sender can have it any more",
    )
    way.add_argument(
        "--undo",
        action="store_true",
        help="put back what the last run from this machine changed",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the plan and its outcome, or the error, as one JSON object"
    )
    parser.add_argument(
        "--replace-provider",
        action="append",
        default=[],
        type=_provider,
        metavar="NAME",
        help="leave a mail provider, such as google: replace all its MX (may be repeated)",
    )
    for kind, what in (
        ("mx", "an MX to TARGET"),
        ("cname", "a CNAME to TARGET"),
        ("address", "an A or AAAA"),
    ):
        parser.add_argument(
            f"--replace-{kind}",
            action="append",
            default=[],
            metavar="ADDRESS" if kind == "address" else "TARGET",
            help=f"replace {what} that is not ours and is in the way (may be repeated)",
        )
    parser.add_argument(
        "--forget-host",
        action="append",
        default=[],
        metavar="NAME",
        help="delete the addresses of this old name of a mail host at once; a sender that has an MX to it "
        "returns its mail as undeliverable (may be repeated)",
    )
    parser.add_argument(
        "--forget-policy",
        action="store_true",
        help="take the MTA-STS policy away at once; a sender that keeps it holds mail back for hosts that it "
        "does not list, for up to a week",
    )
    parser.add_argument(
        "--wait",
        type=parse_seconds,
        default=120.0,
        metavar="SECONDS",
        help="how long to wait for the zone's nameservers to answer; 0 does not wait (default: 120)",
    )
    parser.add_argument(
        "--resolver",
        type=parse_resolver,
        metavar="ADDRESS[#PORT]",
        help="ask this resolver in place of the system's",
    )
    given = parser.parse_args(argv)
    return Arguments(
        domain=given.domain,
        inventory=given.inventory,
        dry_run=given.dry_run,
        check=given.check,
        undo=given.undo,
        withdraw=given.withdraw,
        json=given.json,
        replacing=Replacing(
            mx=frozenset(canonical_content("MX", target) for target in given.replace_mx),
            cname=frozenset(canonical_content("CNAME", target) for target in given.replace_cname),
            address=frozenset(canonical_content("A", address) for address in given.replace_address),
            providers=frozenset(given.replace_provider),
        ),
        forgetting=frozenset(canonical_name(name) for name in given.forget_host),
        forget_policy=given.forget_policy,
        wait=given.wait,
        resolver=given.resolver,
    )


def _provider(text: str) -> str:
    try:
        return providers.parse_provider(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
