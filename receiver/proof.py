"""`letterbox proof`: a one-time address, and the wait until a message to it is durably stored.

The receiver tells this process of the message once it is on stable storage (see `receiver.proofs`). The
address ends with the process, however that ends. Exit codes: 0 stored, 1 not in time or not possible, 77 not
root, 78 wrong configuration, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import hashlib
import json
import os
import select
import signal
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from receiver import headers, privileges, proofs
from receiver.proof_display import JsonTold, Told, Waiting
from receiver.reading import command, content, selection, show, stored, summary
from receiver.reading.command import Failure
from receiver.reading.terminal import Screen

_KEPT = 86_400  # seconds that the messages of earlier proofs stay
_NAME_SECONDS = 5.0


def main(argv: Sequence[str]) -> int:
    """Run the command with the arguments that follow its name; the exit code."""
    parser = argparse.ArgumentParser(
        prog="letterbox proof",
        description="Make a one-time address, wait for a message to it, and show how it came. 0: stored.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"({command.CONFIGURATION})")
    parser.add_argument("--domain", metavar="NAME", help="at which of the domains (the first)")
    parser.add_argument("--timeout", type=float, default=600.0, metavar="S", help="seconds (600)")
    parser.add_argument("--local-part", metavar="TEXT", help=argparse.SUPPRESS)
    parser.add_argument("--no-doctor", action="store_true", help="do not look for the cause if none comes")
    parser.add_argument("--while-stdin", action="store_true", help="end when standard input does")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="an object a line (the default off a terminal)")
    form.add_argument("--text", action="store_true", help="for people (the default on a terminal)")
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    return command.guarded(arguments, _proof)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _proof(arguments: argparse.Namespace) -> int:
    path = arguments.config or command.CONFIGURATION
    table = command.configuration(arguments.config)
    mail, domains = table.get("mail"), table.get("domains")
    if not isinstance(mail, str) or not isinstance(domains, dict) or not domains:
        raise Failure(f"{path}: names no mail folder or no domain: letterbox check", command.EX_CONFIG)
    domain = (arguments.domain or next(iter(domains))).lower()
    if domain not in domains:
        raise Failure(f"{domain}: not served here: {path} has {', '.join(domains)}")
    local = arguments.local_part or proofs.new_local_part()
    if not proofs.is_local_part(local):
        raise Failure(f"{local}: not a one-time name", 2)
    folder = Path(str(table.get("proofs") or proofs.FOLDER))
    waiting = Waiting(local, domain, arguments.timeout)
    with one_time_address(folder, local, domain, Path(mail)) as listening:
        told = JsonTold() if command.wants_json(arguments) else Told(Screen())
        told.address(waiting)
        # A child without root reads what the receiver tells and what the sender wrote. It keeps the network,
        # to look up the peer's name. The address is root's to take away afterwards.
        code = privileges.in_child(
            privileges.owner(Path(mail)),
            lambda: command.reported(
                lambda: _await(waiting, Path(mail), listening, told, while_stdin=arguments.while_stdin)
            ),
            network=True,
            keep=(listening.fileno(),),
            late=command.LATE,
        )
    if code and not arguments.no_doctor:
        from receiver.doctor.command import main as doctor

        doctor(["--config", str(path), *(["--json"] if command.wants_json(arguments) else ["--text"])])
    return code


@contextlib.contextmanager
def one_time_address(folder: Path, local: str, domain: str, mail: Path) -> Iterator[socket.socket]:
    """The address exists inside this context: its socket, which the service's group may write to.

    Raises OSError, and Failure where there is no mail folder.
    """
    try:
        group = mail.stat().st_gid
    except FileNotFoundError:
        raise Failure(f"{mail}: there is no such folder: deploy first") from None
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, 0, group)
    folder.chmod(0o750)
    _remove_dead(folder)
    path = proofs.socket_path(folder, local, domain)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        try:
            if os.geteuid() == 0:
                os.chown(path, 0, group)
            Path(path).chmod(0o660)
            yield listening
        finally:
            Path(path).unlink(missing_ok=True)


def _remove_dead(folder: Path) -> None:
    """Sockets that a killed process left: nobody answers there, and the receiver knows that too."""
    for path in folder.iterdir():
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as probe:
            try:
                probe.connect(str(path))
            except OSError as error:
                if error.errno == errno.ECONNREFUSED:
                    path.unlink(missing_ok=True)


def _await(waiting: Waiting, mail: Path, listening: socket.socket, told: Told, *, while_stdin: bool) -> int:
    until = time.monotonic() + waiting.seconds
    sources = [listening.fileno(), *([0] if while_stdin else [])]
    while (left := until - time.monotonic()) > 0:
        told.waiting(left)
        ready, _, _ = select.select(sources, [], [], min(1.0, left))
        if 0 in ready and not os.read(0, 1024):
            raise KeyboardInterrupt
        if listening.fileno() not in ready:
            continue
        event: Mapping[str, object] = json.loads(listening.recv(65_536))
        if event.get("event") == "stored":
            told.stored(evidence(waiting, mail, event))
            return 0
        told.event(event)
    told.late(waiting)
    return 1


def evidence(waiting: Waiting, mail: Path, event: Mapping[str, object]) -> dict[str, object]:
    """All that is known of the stored message. Raises Failure if it is not where it should be."""
    boxes = [each for each in stored.maildirs(mail, proofs.MAILBOX) if each.domain == waiting.domain]
    found = selection.find(boxes, str(event.get("id")))
    if not found:
        raise Failure(f"the message {event.get('id')} is not in {mail}/{waiting.domain}/.proof")
    _remove_old(boxes)
    octets, head = stored.content(found[0]), stored.head(found[0])[0]
    # From here on a stranger's octets are parsed, and no file is opened.
    holds, fields = content.read(octets), headers.parse(head)
    short = summary.summary(found[0], fields, len(octets))
    return {
        "event": "stored",
        "address": waiting.address,
        "reverse_name": reverse_name(short.peer),
        "seconds": event.get("seconds"),
        "sha256": hashlib.sha256(octets).hexdigest(),
        **show.details(short, holds),
    }


def _remove_old(boxes: Sequence[stored.Maildir]) -> None:
    for each in selection.everything(boxes):
        if each.arrived < time.time() - _KEPT:
            Path(each.path).unlink(missing_ok=True)


def reverse_name(peer: str) -> str | None:
    """The name that the DNS has for the address, if it answers within a few seconds.

    Looked up here, since the receiver has no network.
    """
    import threading

    names: list[str] = []

    def look_up() -> None:
        with contextlib.suppress(OSError):
            names.append(socket.gethostbyaddr(peer)[0])

    looking = threading.Thread(target=look_up, daemon=True)
    looking.start()
    looking.join(_NAME_SECONDS)
    return names[0] if names else None
