"""What the command lines of this folder share."""

import argparse
from typing import Any


class Parser(argparse.ArgumentParser):
    """Ends with 1 where the words are wrong: 2 means that something differs, or does not hold."""

    def error(self, message: str) -> Any:
        self.exit(1, f"{self.prog}: {message}: see {self.prog} --help\n")


def seconds(text: str) -> float:
    """A time of up to a day, in seconds."""
    value = float(text)
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError("must be 0 to 86400 seconds")
    return value
