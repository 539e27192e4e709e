"""The last line of a dry run: what it has done (nothing), and what the user does next."""

from __future__ import annotations

import sys

import click
from pyinfra import context, logger
from pyinfra.api.state import State

from dns.terminal.lines import in_columns
from provision.run.refusal import INDENT, was_refused


def say_what_follows() -> None:
    """Have a dry run end with that line, unless it fails, is refused, or prints JSON."""
    run = click.get_current_context()
    if run.params.get("dry") and not run.params.get("json_output"):
        run.call_on_close(_say)  # after pyinfra's own last line


def _say() -> None:
    if was_refused() or not context.ctx_state.isset():
        return
    state = context.ctx_state.get()
    if not state.initialised or state.failed_hosts or not state.get_op_order():
        return
    line = "Nothing is to be changed."
    if _would_change(state):
        line = "Nothing was changed. To have it changed, run the same command without --dry."
    for part in in_columns(line, sys.stderr, before=INDENT):
        logger.info(part)


def _would_change(state: State) -> bool:
    return any(
        operation.operation_meta.will_change
        for host in state.inventory.get_active_hosts()
        for operation in state.ops[host].values()
    )
