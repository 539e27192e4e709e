"""The command line of ``python -m dns.sync``."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from dns.plan import providers
from dns.plan.matching import Replacing
from dns.records import canonical_content, canonical_name
from dns.sync.report import error_as_json
from dns.terminal.arguments import Parser, resolver_argument, seconds

EPILOG = f"""exit codes: 0 in sync, or made so; 1 failed, with the cause; 2 differs (--dry-run, --check)
environment: CLOUDFLARE_API_TOKEN (Zone > Zone > Read and Zone > DNS > Edit on the zone),
CLOUDFLARE_BASE_URL, LETTERBOX_RESOLVER (as --resolver)
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
    json: bool
    replacing: Replacing
    forgetting: frozenset[str]
    wait: float
    resolver: str | None


class _Parser(Parser):
    """One that says what is wrong as JSON too, where JSON is wanted."""

    wants_json = False

    def error(self, message: str) -> NoReturn:
        if self.wants_json:
            print(error_as_json("", f"{message}: see {self.prog} --help", applied=False))
        super().error(message)


def parsed(argv: Sequence[str]) -> Arguments:
    """The arguments; exits with 0 after --help, and with 1 and a line to read where they are wrong."""
    parser = _Parser(
        prog="python -m dns.sync",
        description="Make a domain's records at Cloudflare match the inventory.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.wants_json = any(len(word) > 2 and "--json".startswith(word) for word in argv)
    parser.add_argument("domain", metavar="DOMAIN", help="a domain of the inventory")
    parser.add_argument("--inventory", default="inventory.py", metavar="FILE", help="default: %(default)s")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--dry-run", action="store_true", help="show what would change, change nothing")
    only.add_argument("--check", action="store_true", help="the same in one line, for cron and CI")
    parser.add_argument(
        "--undo",
        action="store_true",
        help="put back what the last run from this machine changed",
    )
    parser.add_argument(
        "--json", action="store_true", help="the plan and its outcome, or the error, as one JSON object"
    )
    parser.add_argument(
        "--replace-provider",
        action="append",
        default=[],
        type=_provider,
        metavar="NAME",
        help="leave a mail provider, such as google: replace all of its MX (may be repeated)",
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
            help=f"replace {what} that is in the way and not ours (may be repeated)",
        )
    parser.add_argument(
        "--forget-host",
        action="append",
        default=[],
        metavar="NAME",
        help="delete the addresses of this mail host although an MX still leads to it: senders that have "
        "that MX return their mail as undeliverable (may be repeated)",
    )
    parser.add_argument(
        "--wait",
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="how long to wait for the zone's nameservers to answer; 0: not at all (default: 120)",
    )
    parser.add_argument(
        "--resolver",
        type=resolver_argument,
        metavar="ADDRESS[#PORT]",
        help="in place of the system's resolver",
    )
    given = parser.parse_args(argv)
    return Arguments(
        domain=given.domain,
        inventory=given.inventory,
        dry_run=given.dry_run,
        check=given.check,
        undo=given.undo,
        json=given.json,
        replacing=Replacing(
            mx=frozenset(canonical_content("MX", target) for target in given.replace_mx),
            cname=frozenset(canonical_content("CNAME", target) for target in given.replace_cname),
            address=frozenset(canonical_content("A", address) for address in given.replace_address),
            providers=frozenset(given.replace_provider),
        ),
        forgetting=frozenset(canonical_name(name) for name in given.forget_host),
        wait=given.wait,
        resolver=given.resolver,
    )


def _provider(text: str) -> str:
    try:
        return providers.named(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
