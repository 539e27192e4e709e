"""The command line of `letterbox tls-reports`.

Exit codes are those of the other reading commands. A mailbox without a report is no failure: 0. A domain that
has no mailbox for reports is one: 1.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from receiver.checks import domain_name
from receiver.cli import configuration, terminal
from receiver.cli.command import Failure, print_json, wants_json
from receiver.cli.terminal import Screen
from receiver.reading import command, stored
from receiver.reading.stored import Maildir
from receiver.tls_reports import display, totals
from receiver.tls_reports.gathering import Gathered, gather
from receiver.tls_reports.totals import Totals

MAILBOX = "tls-reports"  # which the inventory's `"tls_reports": True` makes
_MOST_DAYS = 3650
_MOST_UNREADABLE = 50  # that JSON lists


@dataclass(frozen=True, slots=True)
class _Asked:
    """The mailbox that is asked for. Without a domain, the mailboxes of that name of all domains."""

    name: str
    domain: str | None


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code. `argv` has the arguments that follow its name."""
    parser = command.parser(
        "tls-reports",
        "Show what senders report of TLS to this host (RFC 8460): for each sender and policy the sessions, "
        "and why some failed. A report is what a stranger says. Nothing is done because of it.",
        "letterbox tls-reports example.com --days 14",
        mailbox=f"the mailbox that the reports come to, as alice or alice@example.com ({MAILBOX})",
    )
    parser.add_argument("domain", nargs="?", metavar="DOMAIN", help="only this domain (all)")
    parser.add_argument(
        "--days", type=_days, default=30, metavar="N", help="reports that arrived in the last N days (30)"
    )
    return command.run(parser.parse_args(argv), _tls_reports, with_root=_read_configuration)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= _MOST_DAYS and len(text) < 9):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a number of days from 1 to {_MOST_DAYS}")
    return int(text)


def _read_configuration(arguments: argparse.Namespace) -> None:
    """Read which domains have which mailboxes. The user that the process becomes may not read that."""
    arguments.configured = {}
    path = arguments.config or configuration.PATH
    if (arguments.mail and not arguments.config) or not os.path.lexists(path):
        return
    domains = configuration.read_table(path).get("domains")
    for name, table in domains.items() if isinstance(domains, dict) else ():
        boxes = table.get("mailboxes") if isinstance(table, dict) else None
        arguments.configured[name] = [str(box).lower() for box in boxes] if isinstance(boxes, list) else []


def _tls_reports(arguments: argparse.Namespace) -> int:
    asked, screen = _asked(arguments), Screen()
    boxes = _boxes(arguments, asked)
    if not boxes:
        raise Failure(_without_mailbox(asked))
    for number, domain in enumerate(sorted(boxes)):
        found = gather(boxes[domain], arguments.days)
        of, mailbox = totals.total(found), f"{asked.name}@{domain}"
        if wants_json(arguments):
            print_json(to_json(domain, mailbox, arguments.days, found, of))
            continue
        if number:
            screen.line()
        name = terminal.plain(domain)
        display.print_reports(screen, name, f"{asked.name}@{name}", arguments.days, found, of)
    return 0


def _asked(arguments: argparse.Namespace) -> _Asked:
    name, _, of = (arguments.mailbox or MAILBOX).lower().partition("@")
    domains = []
    for given in filter(None, (of, arguments.domain)):
        try:
            domains.append(domain_name.to_a_labels(given.lower().removesuffix(".")))
        except ValueError:
            raise Failure(
                f"{terminal.plain(given)[:80]} is not a domain: write it as example.com", 2
            ) from None
    if len(set(domains)) > 1:
        raise Failure(f"the mailbox is at {domains[0]}, and the domain is {domains[1]}: name one of them", 2)
    if not name:
        raise Failure("--mailbox names no mailbox: write it as alice, or as alice@example.com", 2)
    return _Asked(name, domains[0] if domains else None)


def _boxes(arguments: argparse.Namespace, asked: _Asked) -> Mapping[str, list[Maildir]]:
    """The mailboxes by their domains. One that has got no mail yet has no folder, and an empty list."""
    mail = command.mail_folder(arguments)
    try:
        folders = stored.maildirs(mail, f"{asked.name}@{asked.domain}" if asked.domain else asked.name)
    except FileNotFoundError:  # The service makes it when it first starts.
        if not arguments.configured:
            raise Failure(f"{mail}: no such folder: name the mail folder with --mail") from None
        folders = []
    found: dict[str, list[Maildir]] = {
        domain: [] for domain, names in arguments.configured.items() if asked.name in names
    }
    if asked.domain:
        found = {domain: found[domain] for domain in (asked.domain,) if domain in found}
    for box in folders:
        found.setdefault(box.domain, []).append(box)
    return found


def _without_mailbox(asked: _Asked) -> str:
    where = asked.domain or "no domain of this host"
    has = f"{where} has no mailbox {asked.name}" if asked.domain else f"{where} has a mailbox {asked.name}"
    fix = 'set "tls_reports": True for the domain in the inventory, and deploy'
    return f"{terminal.plain(has)}: {fix}; if the reports go to another mailbox, name it with --mailbox"


def to_json(domain: str, mailbox: str, days: int, found: Gathered, of: Totals) -> dict[str, object]:
    """The object of `--json` for one domain. Keys are only ever added."""
    return {
        "domain": domain,
        "mailbox": mailbox,
        "days": days,
        "reports": len(found.reports),
        "incomplete": sum(not one.report.is_complete for one in found.reports),
        "duplicates": found.duplicates,
        "other_mails": found.others,
        "not_read": found.left_out,
        "not_read_unproven": found.left_out_unproven,
        "unreadable": len(found.unreadable),
        "unreadable_unproven": sum(each.sender.is_proven is not True for each in found.unreadable),
        "unreadable_mails": [
            {
                "id": each.identity,
                "path": each.path,
                "sender": each.sender.domain or None,
                "authentic": each.sender.is_proven,
                "reason": each.reason,
            }
            for each in found.unreadable[:_MOST_UNREADABLE]
        ],
        "senders": [each.to_json() for each in of.proven],
        "unproven_senders": [each.to_json() for each in of.unproven],
        "more": of.left_out,
        "more_unproven": of.left_out_unproven,
    }
