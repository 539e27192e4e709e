"""How a run ends that cannot go on: with what is wrong, on a line of its own, and nothing about our code.

pyinfra puts "pyinfra error in FILE line N" before the text of a DeployError, with a file and a line of ours.
That tells the user nothing. So the text is printed as it is, and the run ends with exit code 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click
from pyinfra import logger
from pyinfra.api.exceptions import DeployError

from dns.inventory import InventoryError, load
from dns.terminal.lines import in_columns
from provision.run.inventory import remember_file

INDENT = 4
"""The cells that pyinfra writes before each line of its log."""
_refused = False
SCRIPTS = ("deploy.py", "destroy.py", "rekey.py", "renew.py", "rollback.py")


def refuse(reason: str) -> NoReturn:
    """End the run with this reason. SystemExit passes pyinfra, which then disconnects from the hosts."""
    for problem in reason.splitlines():
        for line in in_columns(problem, sys.stderr, before=INDENT):
            logger.error(click.style(line, fg="red"))
    global _refused
    _refused = True
    sys.exit(1)


def was_refused() -> bool:
    """Whether this run has ended so."""
    return _refused


@contextmanager
def refusing() -> Iterator[None]:
    """End the run with the text of a DeployError that is raised in the block."""
    try:
        yield
    except DeployError as error:
        reason = str(error)
    else:
        return
    refuse(reason)


def refuse_a_wrong_inventory() -> None:
    """Check the inventory file of this run, if the run is one of ours. Nothing is asked of any host."""
    given = click.get_current_context().params
    path = Path(str(given["inventory"]))
    if any(Path(name).name not in SCRIPTS for name in given["operations"]):
        return
    if "," in str(path) or str(path).startswith("@"):
        return  # hosts on the command line, in place of a file
    remember_file(path)
    try:
        load(path)
    except InventoryError as error:
        refuse(str(error))
