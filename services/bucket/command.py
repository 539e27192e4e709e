"""`python -m services.bucket`: the command line, and the parts of the service put together."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from receiver.bucket.protocol import Link
from receiver.system.journal import in_background, log
from receiver.system.limits import raise_file_limit
from receiver.system.systemd import listening_sockets, notify
from services.bucket import configuration, credentials
from services.bucket.configuration import Configuration
from services.bucket.credentials import KeyPair
from services.bucket.engine import Engine
from services.bucket.errors import BucketError
from services.bucket.requests import DEADLINE, Requests
from services.bucket.serving import Server
from services.bucket.storing import Storing
from services.bucket.trial import Trial

PROGRAM = "letterbox-bucket"
_BACKLOG = 1024
_STDIN = 8192  # octets


def main(argv: Sequence[str], making: Callable[[Engine], Storing] = Storing) -> int:
    """Serve until SIGTERM or SIGINT, or check the store. Returns the exit code.

    `making` makes what stores. Tests give another, to see that it is found out.
    """
    given = _arguments(argv)
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        del os.environ[name]  # The key and the place are those of the configuration, and no others.
    try:
        settings = configuration.load(given.config)
        pair = _key_pair(given)
        if given.command == "check":
            return asyncio.run(_check(settings, pair, given.json))
        with _listening(given.listen) as listeners, in_background():
            asyncio.run(_serve(settings, pair, listeners, making))
    except BucketError as error:
        for problem in error.problems:
            print(f"{PROGRAM}: {problem}", file=sys.stderr)
        return os.EX_CONFIG
    return 0


async def _serve(
    settings: Configuration,
    pair: KeyPair,
    listeners: Sequence[socket.socket],
    making: Callable[[Engine], Storing],
) -> None:
    raise_file_limit()
    engine = Engine(settings, pair)
    server = Server(listeners, Requests(making(engine), Trial(engine)))
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    gc.freeze()
    log("started", gateways=" ".join(str(each.url) for each in engine.gateways))
    notify("READY=1")
    await server.run(ended)
    notify("STOPPING=1")
    log("ended", unfinished=len(server.tasks) or None)


async def _check(settings: Configuration, pair: KeyPair, as_json: bool) -> int:
    late = asyncio.get_running_loop().time() + DEADLINE
    links = await Trial(Engine(settings, pair)).links(late)
    if as_json:
        print(json.dumps({"links": [asdict(each) for each in links]}, ensure_ascii=False))
    else:
        print("\n".join(map(_line, links)))
    return 0 if all(each.state == "good" for each in links) else 1


def _line(link: Link) -> str:
    return f"{link.state:<8}{link.link}: {link.found}" + (f": {link.fix}" if link.fix else "")


def _key_pair(given: argparse.Namespace) -> KeyPair:
    if given.key_from_stdin:
        return credentials.parse(sys.stdin.buffer.read(_STDIN), "standard input")
    return credentials.load(given.credentials)


@contextlib.contextmanager
def _listening(path: Path | None) -> Iterator[Sequence[socket.socket]]:
    """The sockets of the unit, or one at `path`, which goes at the end. Raises BucketError."""
    if path is None:
        listeners = listening_sockets()
        if not listeners:
            raise BucketError(
                "there is no socket: start it by letterbox-bucket.socket, or give --listen PATH"
            )
        yield listeners
        return
    if os.path.lexists(path) and not stat.S_ISSOCK(path.lstat().st_mode):
        raise BucketError(f"{path}: is no socket: give a path where none of your files is")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        mask = os.umask(0o177)
        try:
            path.unlink(missing_ok=True)
            listener.bind(os.fspath(path))
        except OSError as error:
            raise BucketError(f"{path}: cannot listen: {error.strerror}") from None
        finally:
            os.umask(mask)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
        yield [listener]
        path.unlink(missing_ok=True)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Store mail in a bucket (S3), and fetch it, for the programs of this host.",
        epilog="exit codes: 0 ended by SIGTERM or SIGINT, or all links of the check are good; 1 a link is "
        "not; 2 wrong arguments; 78 the configuration or the key pair is wrong",
        allow_abbrev=False,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the bucket (TOML)")
    parser.add_argument(
        "--listen", type=Path, metavar="PATH", help="make a socket there (default: that of the .socket unit)"
    )
    parser.add_argument(
        "--credentials",
        default=os.environ.get("CREDENTIALS_DIRECTORY"),
        metavar="FOLDER",
        help="holds the key pair, in the file bucket (default: $CREDENTIALS_DIRECTORY)",
    )
    parser.add_argument(
        "--key-from-stdin", action="store_true", help="read the key pair from standard input: two lines"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="without one, it serves")
    check = commands.add_parser("check", help="try the store, and say what is wrong")
    check.add_argument("--json", action="store_true", help="print the links as JSON")
    return parser.parse_args(argv)
