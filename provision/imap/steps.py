"""The steps about IMAP, and what is looked at before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator

from pyinfra import context, logger
from pyinfra.api.exceptions import DeployError

from dns.inventory.host_imap import WantedImap
from provision.host import layout
from provision.host.imap import LABEL
from provision.host.observed import Observed
from provision.imap import commands, sudoers
from provision.run.inventory import mail_host
from provision.run.step import Decision, observe, step, untouched


def prepare() -> None:
    """Look at the readers and at Dovecot before anything is touched. Raises DeployError."""
    wanted, seen = mail_host().imap, observe()
    if wanted is not None:
        found = list(commands.problems(seen))
        if wanted.readers:
            users = tuple(sorted({user for each in wanted.readers.values() for user in each}))
            there = context.host.get_fact(sudoers.ReaderAccounts, users=users) or {}
            found += sudoers.problems(wanted, there)
        if found:
            raise DeployError(untouched(found))
    for remark in remarks(seen, wanted):
        logger.info(f"{context.host.print_prefix}{remark}")


def remarks(seen: Observed, wanted: WantedImap | None) -> Iterator[str]:
    """What this run is going to do that nobody would expect of it: a line each."""
    now = seen.imap
    if wanted is None:
        if now.begun:
            yield (
                "imap is not in the inventory any more: its configuration, the rules for readers and the "
                f"masks go. Dovecot's package stays, and {layout.IMAP_STATE}, which belongs to the mail"
            )
        return
    if missing := commands.packages(seen):
        yield f"for imap, to be installed: {', '.join(missing)}; Dovecot's own service stays off"
    if now.serves:
        yield "Dovecot's own service is not the deploy's, and is left alone: its ports are open as they were"
    if now.selinux and not now.labelled:
        yield f"SELinux: {layout.MAIL} gets the label {LABEL}, which a confined Dovecot needs"


@step
def there() -> Decision:
    """What `letterbox imap` needs is there if the inventory wants it, and gone if not."""
    wanted = commands.needed(mail_host().imap)
    otherwise = "what imap needs is as it should be" if wanted else "the inventory wants no imap for it"
    return Decision(commands.commands(observe(), wanted), otherwise)


@step
def removed() -> Decision:
    """Nothing on the host speaks IMAP for us."""
    return Decision(commands.commands(observe(), None), "there is nothing of imap")
