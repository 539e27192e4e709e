"""One-time addresses, `proof-<nonce>@domain`. Each exists only while a `letterbox proof` waits for its mail.

The heartbeat has addresses of the same kind, `heartbeat-<nonce>@domain`. They exist only for the host itself.

The waiting process holds a Unix datagram socket for its address, in a folder that only root can write to.
When the process ends, in whatever way, nobody listens on the socket and the address is unknown again. The
socket's name is a digest of the address, so no recipient can name another file. The receiver sends events to
the socket, which tell the waiting process what happens to its message.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

# Beside /run/letterbox, not in it: that folder is the service's own, and here only root may write.
FOLDER = Path("/run/letterbox-proofs")
MAILBOX = ".proof"  # The name of a recipient's mailbox never begins with a dot.
# The folder is that of the unit letterbox-heartbeat-look, which runs as the service's user.
HEARTBEAT_FOLDER = Path("/run/letterbox-heartbeat")
HEARTBEAT_MAILBOX = ".heartbeat"
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_LOCAL = re.compile(rf"proof-[{_ALPHABET}]{{16}}")
_HEARTBEAT = re.compile(rf"heartbeat-[{_ALPHABET}]{{16}}")
_LONGEST_EVENT = 65_536  # octets


def new_local_part(kind: str = "proof") -> str:
    """A new local part of a kind, with 80 random bits that nobody can guess."""
    return f"{kind}-" + "".join(secrets.choice(_ALPHABET) for _ in range(16))


def is_local_part(text: str) -> bool:
    return _LOCAL.fullmatch(text) is not None


def is_heartbeat(text: str) -> bool:
    """Whether this is a local part of the heartbeat."""
    return _HEARTBEAT.fullmatch(text) is not None


def socket_path(folder: Path, local: str, domain: str) -> str:
    """The path of the address's socket. `local` and `domain` are in lower case; `domain` is an A-label."""
    return f"{folder}/{hashlib.sha256(f'{local}@{domain}'.encode()).hexdigest()[:32]}"


def tell(folder: Path, local: str, domain: str, event: str, **values: object) -> bool:
    """Send an event to the process that waits for this address, as a JSON object.

    Returns False if no process waits. Never blocks, and never raises.
    """
    if not is_local_part(local) and not is_heartbeat(local):
        return False
    message = json.dumps({"event": event, "address": f"{local}@{domain}", **values}).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as out:
        try:
            out.sendto(message[:_LONGEST_EVENT], socket_path(folder, local, domain))
        except BlockingIOError:
            return True  # A process waits, but its queue is full.
        except OSError:
            return False
    return True


@contextlib.contextmanager
def open_address(folder: Path, local: str, domain: str, mail: Path) -> Iterator[socket.socket]:
    """Make the address exist inside this context. Yields its socket, on which events arrive.

    The group of the mail folder may write to it, because the receiver is in that group. Raises OSError.
    """
    group = mail.stat().st_gid
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, 0, group)
    folder.chmod(0o750)
    _remove_dead(folder)
    path = socket_path(folder, local, domain)
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
    """Remove the sockets of killed processes. Nobody listens there, so no address exists because of them."""
    for path in folder.iterdir():
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as probe:
            try:
                probe.connect(str(path))
            except OSError as error:
                if error.errno == errno.ECONNREFUSED:
                    path.unlink(missing_ok=True)
