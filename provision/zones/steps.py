"""DNS as the last step of a deploy: once for all hosts, and only when they are ready to receive.

The zones are looked at before any host is touched, so that a missing token or a record that stands in the
way stops the run while nothing is half done. They are changed after the last host is ready. A host that has
failed on the way gets no record that it does not have already, and loses none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from pyinfra import context, logger
from pyinfra.api.command import FunctionCommand
from pyinfra.api.exceptions import DeployError

from dns import sync
from dns.sync import Prepared, SyncError
from dns.sync.report import farewell
from dns.terminal.lines import in_columns
from provision.run.inventory import inventory
from provision.run.refusal import INDENT
from provision.run.step import Command, Decision, step
from provision.zones import plans
from provision.zones.changes import apply_command, offer_proof, settle_commands

_HINT = " (a deploy reads LETTERBOX_RESOLVER in place of --resolver)"


def prepare() -> None:
    """Look at the zones of all domains, before anything is touched.

    Raises DeployError, one line with the fix, if they cannot be read or something stands in the way.
    """
    if not plans.speaks_for_all(context.host):
        return
    found = plans.current()
    for remark in dict.fromkeys(
        remark for prepared in found for remark in (*prepared.remarks, *prepared.stays)
    ):
        logger.warning(f"{context.host.print_prefix}{remark}")
    blocked = [prepared.blocked for prepared in found if prepared.plan.obstacles]
    if blocked:
        raise DeployError("\n".join(blocked))
    if context.state.should_check_for_changes():
        _show(found)  # before the prompt, and in a dry run; pyinfra itself shows only that there is a change
    for prepared in found:
        if prepared.changes:
            try:
                sync.nameservers_to_ask(prepared)
            except SyncError as error:
                raise DeployError(f"{prepared.domain.name}: nothing was changed: {error}{_HINT}") from None


def _show(found: Iterable[Prepared]) -> None:
    """Show what would change in each zone, record by record."""
    for prepared in found:
        first, *records = str(prepared).splitlines()
        for text in (f"DNS of {first}", *records):
            for line in in_columns(text, sys.stderr, before=INDENT):
                logger.info(line)


@step
def in_sync() -> Decision:
    """MX, A and AAAA lead to the hosts, and the zone's nameservers answer them."""
    if not plans.speaks_for_all(context.host):
        return _done_once()
    found = plans.current()
    if context.state.is_executing:
        # Otherwise the change itself says so.
        standing = [prepared for prepared in found if prepared.in_sync]
        said = [prepared.plan.registrar for prepared in standing]
        for prepared in standing:
            said += [*prepared.dane.notes, *prepared.caa.notes, *prepared.policy.notes]
            said += farewell(prepared.domain.name, prepared.plan)
        for line in dict.fromkeys(filter(None, said)):
            logger.warning(f"{context.host.print_prefix}{line}")
    needed: list[Command] = [apply_command(prepared) for prepared in found if not prepared.in_sync]
    if needed:
        needed += settle_commands(found)
        needed.append(FunctionCommand(offer_proof, (), {}))
    return Decision(needed, "; ".join(prepared.summary for prepared in found))


@step
def withdrawn() -> Decision:
    """No record of ours leads to the hosts of this run; those of the inventory's other hosts stay."""
    if not plans.speaks_for_all(context.host):
        return _done_once()
    if not _has_token():
        return Decision((), "there is no token, so the records stay")
    found = plans.without_leaving()
    if context.state.is_executing:
        for prepared in found:
            for line in farewell(prepared.domain.name, prepared.plan) if not _is_needed(prepared) else ():
                logger.warning(f"{context.host.print_prefix}{line}")
    needed: list[Command] = [apply_command(prepared) for prepared in found if _is_needed(prepared)]
    needed += settle_commands(found)
    return Decision(needed, "no MX of ours leads to it")


def _is_needed(prepared: Prepared) -> bool:
    """Whether something is to be changed. What is only in the way of a change hinders no host that goes."""
    return bool(prepared.changes) or prepared.policy.pending


def _has_token() -> bool:
    return bool(os.environ.get("CLOUDFLARE_API_TOKEN", "").strip())


def prepare_withdrawal() -> None:
    """Look at the zones before anything is touched. Without a token, say which records stay.

    Raises DeployError, as `prepare` does.
    """
    if not plans.speaks_for_all(context.host):
        return
    if _has_token():
        found = plans.without_leaving()
        if context.state.should_check_for_changes():
            _show(found)
        return
    leaving = {each.name for each in context.state.inventory.get_active_hosts()}
    hosts = [each for each in inventory().hosts if each.name in leaving]
    names = [f"the MX of {each.name}" for each in inventory().domains]
    names += [f"A and AAAA of {each.hostname}" for each in hosts]
    logger.warning(
        f"{context.host.print_prefix}without CLOUDFLARE_API_TOKEN these records stay, and lead mail to a "
        f"host that takes none: {', '.join(names)}. Delete them at Cloudflare, or "
        "set the token and run this again"
    )


def _done_once() -> Decision:
    return Decision((), "DNS is changed once, for all hosts")
