"""The command lines of `letterbox serve` and `letterbox check`.

Exit codes: 0: stopped as asked, or the configuration is good. 1: cannot serve. 2: wrong usage. 78: the
configuration is wrong (EX_CONFIG of sysexits.h), with file, key and reason of each problem.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from receiver.config.load import ConfigError, any_mailbox, load
from receiver.config.values import MOST_WORKERS, Config
from receiver.serving.check import problems, tls_problems
from receiver.serving.listening import open_socket, parse_address
from receiver.smtp.certificate import CertificateError
from receiver.system import systemd

DEFAULT_LISTEN, DEFAULT_DOMAIN, DEFAULT_MAIL = "127.0.0.1:2525", "example.test", "./mail"


def serve(argv: Sequence[str]) -> int:
    """Run `letterbox serve`. `argv` are the arguments after the command's name. Returns the exit code."""
    arguments = _serve_parser().parse_args(argv)
    source = arguments.config or "command line"
    try:
        config = _config(arguments)
        if found := tls_problems(config):
            raise ConfigError(str(source), found)
        os.umask(0o077)
        return _run(config, arguments.listen)
    except CertificateError as error:  # The files have changed since the check above.
        return _wrong(ConfigError(str(source), [str(error)]))
    except ConfigError as error:
        return _wrong(error)
    except OSError as error:
        print(f"letterbox: cannot serve: {error}", file=sys.stderr)
        return 1


def check(argv: Sequence[str]) -> int:
    """Run `letterbox check`. `argv` are the arguments after the command's name. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="letterbox check",
        description="Check a configuration without serving, and print its problems. "
        "Exit codes: 0: no problem. 78: at least one.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", required=True, help="letterbox.toml")
    arguments = parser.parse_args(argv)
    try:
        config = load(arguments.config)
        if found := problems(config):
            raise ConfigError(str(arguments.config), found)
    except ConfigError as error:
        return _wrong(error)
    tls = "on" if config.tls else "off"
    print(f"{arguments.config}: good: {len(config.domains)} domain(s), TLS {tls}")
    return 0


def _wrong(error: ConfigError) -> int:
    """Print the problems of the configuration, and return the exit code."""
    print(error, file=sys.stderr)
    return os.EX_CONFIG


def _run(config: Config, listen: list[tuple[str, int]] | None) -> int:
    from receiver.serving.server import run  # late, because `check` does not need what it imports

    return run(config, _sockets(listen))


def _serve_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="letterbox serve",
        description="Receive mail until SIGTERM. SIGHUP reads the certificate again. Sockets from systemd "
        "replace --listen. Without --config, any local part at --domain is a mailbox, and senders are not "
        "checked.",
        epilog="python -m receiver serve --listen 127.0.0.1:2525 --domain example.test --mail ./mail",
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="letterbox.toml; goes together with --listen alone"
    )
    parser.add_argument(
        "--listen", action="append", type=_address, metavar="ADDRESS:PORT",
        help=f"an address to listen on, such as [::1]:2525; can be repeated ({DEFAULT_LISTEN})",
    )  # fmt: skip
    parser.add_argument(
        "--domain",
        action="append",
        metavar="NAME",
        help=f"a domain to receive mail for; can be repeated ({DEFAULT_DOMAIN})",
    )
    parser.add_argument(
        "--mail", type=Path, metavar="FOLDER", help=f"the folder of the Maildirs ({DEFAULT_MAIL})"
    )
    parser.add_argument("--hostname", metavar="NAME", help="the name in the greeting (this machine's name)")
    parser.add_argument(
        "--workers", type=_workers, metavar="NUMBER", help="the number of processes that receive mail (1)"
    )
    return parser


def _config(arguments: argparse.Namespace) -> Config:
    if arguments.config:
        given = [
            f"--{name}"
            for name in ("domain", "mail", "hostname", "workers")
            if getattr(arguments, name, None)
        ]
        if given:
            raise ConfigError(
                "command line", [f"{' and '.join(given)}: not together with --config, which has that too"]
            )
        return load(arguments.config)
    mail = (arguments.mail or Path(DEFAULT_MAIL)).absolute()
    return any_mailbox(
        arguments.hostname or socket.gethostname(),
        mail,
        tuple(arguments.domain or [DEFAULT_DOMAIN]),
        arguments.workers or 1,
    )


def _sockets(listen: list[tuple[str, int]] | None) -> list[socket.socket]:
    """The sockets that systemd has handed over, else newly opened ones."""
    inherited = systemd.listening_sockets()
    if inherited:
        return inherited
    return [open_socket(*address) for address in listen or [parse_address(DEFAULT_LISTEN)]]


def _address(text: str) -> tuple[str, int]:
    try:
        return parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _workers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_WORKERS}")
    return int(text)
