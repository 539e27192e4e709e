"""`python -m services.resolver`: the command line, and the sockets."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

from services.resolver.nameservers import Nameservers, Server
from services.resolver.varlink import Conversation

PROGRAM = "letterbox-resolver"
_FIRST_DESCRIPTOR = 3  # of those that systemd hands over (sd_listen_fds(3))


def main(argv: list[str]) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code."""
    given = _arguments(argv)
    try:
        sockets = _handed_over() if given.listen is None else [_opened(given.listen)]
    except OSError as error:
        print(f"{PROGRAM}: {given.listen}: {error.strerror}", file=sys.stderr)
        return 1
    if not sockets:
        print(
            f"{PROGRAM}: no socket: name one with --listen, or start letterbox-resolver.socket",
            file=sys.stderr,
        )
        return 1
    try:
        asyncio.run(_serve(sockets, Nameservers(given.configuration, given.server)))
    finally:
        if given.listen is not None:
            given.listen.unlink(missing_ok=True)
    return 0


async def _serve(sockets: list[socket.socket], nameservers: Nameservers) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with contextlib.AsyncExitStack() as stack:
        for each in sockets:
            server = await loop.create_unix_server(lambda: Conversation(nameservers.ask), sock=each)
            stack.callback(server.close)
        await ended.wait()


def _handed_over() -> list[socket.socket]:
    """The sockets that systemd hands over. None if it hands none to this process."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS") or 0)
    return [socket.socket(fileno=number) for number in range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + count)]


def _opened(path: Path) -> socket.socket:
    """A socket at this path. One that nobody serves any more makes room. Raises OSError."""
    opened = socket.socket(socket.AF_UNIX)
    try:
        if path.is_socket():
            path.unlink()
        opened.bind(str(path))
        opened.listen(128)
    except OSError:
        opened.close()
        raise
    return opened


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Answer the varlink call io.systemd.Resolve.ResolveRecord on a Unix socket, by asking "
        "the nameservers of this host.",
        epilog="exit codes: 0 ended by SIGTERM or SIGINT; 1 no socket; 2 wrong arguments",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--listen",
        type=Path,
        metavar="PATH",
        help="the socket to open (default: the one that systemd opened)",
    )
    parser.add_argument(
        "--configuration",
        type=Path,
        default=Path("/etc/resolv.conf"),
        metavar="FILE",
        help="names the nameservers, as in resolv.conf(5) (default: %(default)s)",
    )
    parser.add_argument(
        "--server",
        type=Server.parse,
        action="append",
        default=[],
        metavar="ADDRESS[#PORT]",
        help="a nameserver in place of those of the file; may be given several times",
    )
    return parser.parse_args(argv)
