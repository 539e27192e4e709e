"""One-time addresses, `proof-<nonce>@domain`: each exists exactly as long as a `letterbox proof` waits.

Such an address is a Unix datagram socket that the waiting process holds, in a folder that only root can
write. When the process ends, in whatever way, nobody listens there any more and the address is unknown
again. The socket's name is a digest of the address, so that no recipient can name another file; and what
the receiver sends to it tells the waiting process how its message fares.
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

FOLDER = Path("/run/letterbox/proofs")
MAILBOX = ".proof"  # no recipient's name begins with a dot
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_LOCAL = re.compile(rf"proof-[{_ALPHABET}]{{16}}")
_QUEUED = 65_536  # octets of what is told, at most


def new_local_part() -> str:
    """80 bits that nobody guesses."""
    return "proof-" + "".join(secrets.choice(_ALPHABET) for _ in range(16))


def is_local_part(text: str) -> bool:
    return _LOCAL.fullmatch(text) is not None


def socket_path(folder: Path, local: str, domain: str) -> str:
    """Where the address has its socket. Both parts in lower case, the domain as A-label."""
    return f"{folder}/{hashlib.sha256(f'{local}@{domain}'.encode()).hexdigest()[:32]}"


def tell(folder: Path, local: str, domain: str, event: str, **values: object) -> bool:
    """Tell the one who waits for this address; False if there is nobody. Never blocks, never raises."""
    if not is_local_part(local):
        return False
    told = json.dumps({"event": event, "address": f"{local}@{domain}", **values}).encode()[:_QUEUED]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as out:
        try:
            out.sendto(told, socket_path(folder, local, domain))
        except BlockingIOError:
            return True  # somebody is there, and has heard enough
        except OSError:
            return False
    return True


@contextlib.contextmanager
def open_address(folder: Path, local: str, domain: str, mail: Path) -> Iterator[socket.socket]:
    """The address exists inside this context: yields its socket, which the service's group may write to.

    The group is that of the mail folder. Raises OSError.
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
    """Remove sockets that a killed process left. Nobody answers there, and the receiver knows that too."""
    for path in folder.iterdir():
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as probe:
            try:
                probe.connect(str(path))
            except OSError as error:
                if error.errno == errno.ECONNREFUSED:
                    path.unlink(missing_ok=True)
