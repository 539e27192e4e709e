"""Running the receivers that are measured, with their mail on the given disk."""

from __future__ import annotations

import contextlib
import functools
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mail.checks.senders import SERVER
from benchmarks.mail.errors import Broken
from tests.conformance.npm_peers import NPM_PEERS, installed, npm_peer_process
from tests.conformance.peers import fetched, peer_process
from tests.receiver.certificates import make_certificate
from tests.receiver.server import DOMAINS, start_server

OURS = "Letterbox"
HOSTNAME = "mx.example.test"
CHECKED = "Postfix, checks"
# chasquid is missing, because it passes each message to another program, which would be measured.
PEERS = {
    "postfix": "Postfix",
    "postfix-installed": "Postfix as installed",
    "postfix-checked": CHECKED,
    "exim": "Exim",
    "opensmtpd": "OpenSMTPD",
    "haraka": "Haraka",
    "nodemailer": "nodemailer",
}
# Debian's OpenSMTPD calls fsync(2) once for each message, at delivery and after the 250 (seen by strace).
NOT_DURABLE = {"OpenSMTPD"}
LIMITS = {"connections": 20_000, "connections_per_address": 20_000, "connections_per_network": 20_000}


@dataclass(frozen=True, slots=True)
class Receiver:
    """A running receiver. `new` is the folder of its mail. `python` is the version that runs ours.

    `checks` is the name in the Authentication-Results fields that it writes, or empty if it checks no sender.
    """

    name: str
    pid: int
    port: int
    new: Path
    python: str = ""
    checks: str = ""


@contextlib.contextmanager
def ours(
    store: Path,
    folder: Path,
    *,
    checkout: Path | None = None,
    workers: int = 1,
    preload: Path | None = None,
    resolver: Path | None = None,
    hooks: str = "",
) -> Iterator[Receiver]:
    """Run Letterbox of this checkout or of another one.

    `preload` is a library that the program starts with (ld.so(8)). With `resolver`, a socket, it checks who
    sent a message. `hooks` are the tables [hooks.NAME] of its configuration. Raises Broken.
    """
    checks = ", checks" if resolver else ""
    name = f"{checkout.name if checkout else OURS}{checks}{with_workers(workers)}"
    program = ["-m", "receiver"]
    if checkout:
        start = "from receiver.__main__ import main; sys.exit(main())"
        program = ["-c", f"import sys; sys.path.insert(0, {str(checkout)!r}); {start}"]
    folder.mkdir()
    try:
        server = start_server(
            folder, mail=store, limits=LIMITS, certificate=make_certificate(folder, HOSTNAME),
            program=program, workers=workers, domains=domains(resolver), hostname=HOSTNAME, hooks=hooks,
            variables={"LD_PRELOAD": str(preload)} if preload else {},
        )  # fmt: skip
    except AssertionError as error:
        raise Broken(f"{name} does not start: {str(error).strip().splitlines()[-1]}") from None
    try:
        new = store / "example.test" / "alice" / "new"
        python, checks = platform.python_version(), HOSTNAME if resolver else ""
        yield Receiver(name, server.process.pid, server.port, new, python, checks)
    finally:
        server.stop()


def domains(resolver: Path | None) -> str:
    """The end of a configuration: the domains, and the checks if there is a socket of a resolver."""
    checks = f'[checks]\nresolver = "{resolver}"\nnames = ["{HOSTNAME}"]\n' if resolver else ""
    return DOMAINS + checks


def with_workers(number: int) -> str:
    """The part of a name that tells the number of workers."""
    return f", {number} workers" if number > 1 else ""


def fetch(name: str) -> None:
    """Fetch the packages of one of PEERS, if they are not there yet. Raises OSError."""
    if name in NPM_PEERS:
        installed(NPM_PEERS[name])
    else:
        fetched(name)


@contextlib.contextmanager
def peer(name: str, store: Path, preload: Path | None = None) -> Iterator[Receiver]:
    """Run one of PEERS with its mail on this disk. Raises OSError."""
    store.mkdir()
    store.chmod(0o755)
    # The same kind of key as ours, because a handshake costs what its key costs.
    start = npm_peer_process if name in NPM_PEERS else functools.partial(peer_process, old_key=False)
    if name == CHECKED:
        start = functools.partial(start, dns=SERVER)
    checks = "peer.example.test" if name == CHECKED else ""
    with start(name, store=store, preload=preload or "") as (process, port):
        yield Receiver(name, process.pid, port, store / "mail" / "alice" / "new", checks=checks)
