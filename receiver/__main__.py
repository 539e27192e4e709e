"""The program: `python -m receiver serve` and `check`; on the host it is called letterbox.

Exit codes: 0 stopped as asked, or the configuration is good; 1 cannot serve; 2 wrong usage; 78 the
configuration is wrong (EX_CONFIG), with file, key and reason.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from receiver import __version__, systemd

if TYPE_CHECKING:
    from receiver.config import Config

EX_CONFIG = 78
# Each in a module of its own, imported when it is asked for: `list` has 0.3 s for all it does.
COMMANDS = {
    "list": ("receiver.reading.listing:main", "the newest messages"),
    "show": ("receiver.reading.show:main", "one message: headers, text, what is attached"),
    "export": ("receiver.reading.export:main", "messages as mbox or .eml"),
    "wait": ("receiver.reading.arrivals:wait", "until a message arrives, with a timeout"),
    "proof": ("receiver.proof:main", "a one-time address, and the wait for a message to it"),
    "doctor": ("receiver.doctor.command:main", "why no mail arrives: the first broken link, its mend"),
    "follow": ("receiver.reading.arrivals:follow", "a line for each message that arrives"),
}
DEFAULT_LISTEN, DEFAULT_DOMAIN, DEFAULT_MAIL = "127.0.0.1:2525", "example.test", "./mail"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with these arguments (sys.argv without the name by default); the exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    if argv and argv[0] in COMMANDS:
        module, _, function = COMMANDS[argv[0]][0].partition(":")
        return int(getattr(import_module(module), function)(argv[1:]))
    arguments = _parser().parse_args(argv)

    from receiver.check import problems, tls_problems
    from receiver.config import ConfigError
    from receiver.smtp.certificate import CertificateError

    try:
        config = _config(arguments)
        found = problems(config) if arguments.command == "check" else tls_problems(config)
        if found:
            raise ConfigError(str(arguments.config), found)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EX_CONFIG
    if arguments.command == "check":
        print(
            f"{arguments.config}: good: {len(config.domains)} domain(s), TLS {'on' if config.tls else 'off'}"
        )
        return 0
    os.umask(0o077)
    try:
        from receiver.server import run

        return run(config, _sockets(arguments.listen))
    except CertificateError as error:  # it was good a moment ago, or when the worker before this one began
        print(ConfigError(str(arguments.config), [str(error)]), file=sys.stderr)
        return EX_CONFIG
    except OSError as error:
        print(f"letterbox: cannot serve: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="letterbox",
        description="Receive mail by SMTP and store it in Maildirs. 250 is said only for what is on disk.",
    )
    parser.add_argument("--version", action="version", version=f"letterbox {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="receive mail until SIGTERM",
        description="Receive mail until SIGTERM; SIGHUP reads the certificate again. Sockets handed over by "
        "systemd replace --listen. Without --config, any local part at --domain is a mailbox.",
        epilog="python -m receiver serve --listen 127.0.0.1:2525 --domain example.test --mail ./mail",
    )
    serve.add_argument("--config", type=Path, metavar="FILE", help="letterbox.toml; then only --listen")
    serve.add_argument(
        "--listen", action="append", type=_address, metavar="ADDRESS:PORT",
        help=f"where to listen, can be repeated ({DEFAULT_LISTEN}); [::1]:2525 for IPv6",
    )  # fmt: skip
    serve.add_argument(
        "--domain",
        action="append",
        metavar="NAME",
        help=f"receive for it, can be repeated ({DEFAULT_DOMAIN})",
    )
    serve.add_argument("--mail", type=Path, metavar="FOLDER", help=f"store mail under it ({DEFAULT_MAIL})")
    serve.add_argument("--hostname", metavar="NAME", help="what the greeting says (this machine's name)")
    serve.add_argument("--workers", type=_workers, metavar="NUMBER", help="processes that share the work (1)")
    check = commands.add_parser(
        "check",
        help="look at a configuration without starting",
        description="Exit 0 if the configuration can be served, 78 with every problem named if not.",
    )
    check.add_argument("--config", type=Path, metavar="FILE", required=True, help="letterbox.toml")
    for name, (_, what) in COMMANDS.items():
        commands.add_parser(name, help=what, add_help=False)
    return parser


def _config(arguments: argparse.Namespace) -> Config:
    from receiver.config import ConfigError, any_mailbox, load

    if arguments.config:
        given = [
            f"--{name}"
            for name in ("domain", "mail", "hostname", "workers")
            if getattr(arguments, name, None)
        ]
        if given:
            raise ConfigError(
                "command line", [f"{' and '.join(given)}: not together with --config, which says it"]
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
    inherited = systemd.listening_sockets()
    if inherited:
        return inherited
    return [_listen(*address) for address in listen or [_address(DEFAULT_LISTEN)]]


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    each = socket.socket(family, socket.SOCK_STREAM)
    each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        each.bind((host, port))
    except OSError as error:
        each.close()
        raise OSError(f"{host} port {port}: {error.strerror}") from None
    each.setblocking(False)
    return each


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not ADDRESS:PORT")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104


def _workers(text: str) -> int:
    from receiver.config import MOST_WORKERS

    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_WORKERS}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
