"""What the command lines of this folder share."""

import argparse
import ipaddress
import os
from collections.abc import Mapping
from typing import NoReturn

from dns.errors import WrongSetting

RESOLVER = "LETTERBOX_RESOLVER"


class Parser(argparse.ArgumentParser):
    """Ends with 1 where the words are wrong: 2 means that something differs, or does not hold."""

    def error(self, message: str) -> NoReturn:
        self.exit(1, f"{self.prog}: {message}: see {self.prog} --help\n")


def seconds(text: str) -> float:
    """A time of up to a day, in seconds."""
    value = float(text)
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError("must be 0 to 86400 seconds")
    return value


def resolver_address(text: str) -> str:
    """``ADDRESS`` or ``ADDRESS#PORT`` of a resolver, as it was given. Raises ValueError with the reason."""
    address, mark, port = text.partition("#")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise ValueError(f"{address!r} is no IP address: give ADDRESS or ADDRESS#PORT") from None
    if mark and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise ValueError(f"{port!r} is no port from 1 to 65535: give ADDRESS or ADDRESS#PORT")
    return text


def resolver_argument(text: str) -> str:
    """The same for argparse."""
    try:
        return resolver_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def named_resolver(given: str | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """The resolver that was given, else that of LETTERBOX_RESOLVER, else None. Raises WrongSetting."""
    name, text = ("--resolver", given) if given else (RESOLVER, environ.get(RESOLVER))
    try:
        return resolver_address(text) if text else None
    except ValueError as error:
        raise WrongSetting(f"{name}: {error}") from None
