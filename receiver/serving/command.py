"""The command lines of `letterbox serve` and `letterbox check`.

Exit codes: 0 stopped as asked, or the configuration is good; 1 cannot serve; 2 wrong usage; 78 the
configuration is wrong (EX_CONFIG), with file, key and reason.
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
from receiver.smtp.certificate import CertificateError
from receiver.system import systemd

DEFAULT_LISTEN, DEFAULT_DOMAIN, DEFAULT_MAIL = "127.0.0.1:2525", "example.test", "./mail"


def serve(argv: Sequence[str]) -> int:
    """Run `letterbox serve` with the arguments that follow its name; the exit code."""
    arguments = _serve_parser().parse_args(argv)
    source = arguments.config or "command line"
    try:
        config = _config(arguments)
        if found := tls_problems(config):
            raise ConfigError(str(source), found)
        os.umask(0o077)
        return _run(config, arguments.listen)
    except CertificateError as error:  # it was good a moment ago, or when the worker before this one began
        return _wrong(ConfigError(str(source), [str(error)]))
    except ConfigError as error:
        return _wrong(error)
    except OSError as error:
        print(f"letterbox: cannot serve: {error}", file=sys.stderr)
        return 1


def check(argv: Sequence[str]) -> int:
    """Run `letterbox check` with the arguments that follow its name; the exit code."""
    parser = argparse.ArgumentParser(
        prog="letterbox check",
        description="Exit 0 if the configuration can be served, 78 with every problem named if not.",
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
    print(error, file=sys.stderr)
    return os.EX_CONFIG


def _run(config: Config, listen: list[tuple[str, int]] | None) -> int:
    from receiver.serving.server import run  # imports what only a receiver needs

    return run(config, _sockets(listen))


def _serve_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="letterbox serve",
        description="Receive mail until SIGTERM; SIGHUP reads the certificate again. Sockets handed over by "
        "systemd replace --listen. Without --config, any local part at --domain is a mailbox.",
        epilog="python -m receiver serve --listen 127.0.0.1:2525 --domain example.test --mail ./mail",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="letterbox.toml; then only --listen")
    parser.add_argument(
        "--listen", action="append", type=_address, metavar="ADDRESS:PORT",
        help=f"where to listen, can be repeated ({DEFAULT_LISTEN}); [::1]:2525 for IPv6",
    )  # fmt: skip
    parser.add_argument(
        "--domain",
        action="append",
        metavar="NAME",
        help=f"receive for it, can be repeated ({DEFAULT_DOMAIN})",
    )
    parser.add_argument("--mail", type=Path, metavar="FOLDER", help=f"store mail under it ({DEFAULT_MAIL})")
    parser.add_argument("--hostname", metavar="NAME", help="what the greeting says (this machine's name)")
    parser.add_argument(
        "--workers", type=_workers, metavar="NUMBER", help="processes that share the work (1)"
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
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_WORKERS}")
    return int(text)
