"""The arguments that several command lines take, and how a wrong one ends them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from dns.world.resolvers import check_resolver


class Parser(argparse.ArgumentParser):
    """Ends with exit code 1 if an argument is wrong, because 2 means that something differs."""

    def error(self, message: str) -> NoReturn:
        self.exit(1, f"{self.prog}: {message}: see {self.prog} --help\n")


def add_inventory(parser: argparse.ArgumentParser) -> None:
    """Add `--inventory FILE`. The file alone, as releases up to 0.1 took it, is taken too, and not shown."""
    parser.add_argument(
        "--inventory", default="inventory.py", type=Path, metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument("old_inventory", nargs="?", type=Path, metavar="FILE", help=argparse.SUPPRESS)


def inventory_path(given: argparse.Namespace) -> Path:
    """The file that the arguments of `add_inventory` name."""
    path: Path = given.old_inventory or given.inventory
    return path


def parse_seconds(text: str) -> float:
    """Read a time of up to a day, in seconds."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError("must be 0 to 86400 seconds")
    return value


def parse_resolver(text: str) -> str:
    """Read `ADDRESS` or `ADDRESS#PORT` of a resolver."""
    try:
        return check_resolver(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
