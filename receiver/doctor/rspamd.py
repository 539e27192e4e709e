"""Whether the spam filter answers the service. Mail is taken without it, so this link is never broken."""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import socket
import time
from pathlib import Path

from receiver.config.values import Rspamd
from receiver.doctor.links import Link
from receiver.doctor.units import SERVICE
from receiver.system import privileges
from receiver.system.privileges import User

_LINK = "spam filter"
_PATIENCE = 5.0  # seconds
_UNFILTERED = "mail is taken unfiltered"
_ASK = b"GET /ping HTTP/1.0\r\n\r\n"


def check_rspamd(rspamd: Rspamd, user: str) -> Link:
    """rspamd answers when the service's user asks it. A process with this user's rights alone asks."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return Link(_LINK, f"there is no user {user}", look="deploy this host")
    groups = os.getgrouplist(user, entry.pw_gid)
    answer = privileges.ask_child(
        User(entry.pw_uid, entry.pw_gid), lambda: ping(rspamd.socket), network=True, groups=groups
    )
    return judged(rspamd.socket, *answer)


def ping(path: Path, patience: float = _PATIENCE) -> tuple[str, float]:
    """Ask rspamd whether it is there. Returns what is in the way, or nothing, and the seconds it took."""
    began = time.monotonic()
    try:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(patience)
            asking.connect(str(path))
            asking.sendall(_ASK)
            reply = asking.recv(4096)
    except TimeoutError:
        return "no answer", time.monotonic() - began
    except OSError as error:
        return error.strerror or type(error).__name__, time.monotonic() - began
    fault = "" if reply.startswith(b"HTTP/1.") and b" 200 " in reply[:20] else "what listens is not rspamd"
    return fault, time.monotonic() - began


def judged(path: Path, fault: str, seconds: float) -> Link:
    """What is said of an rspamd that has answered so."""
    if not fault:
        return Link(_LINK, f"rspamd answers ({1000 * seconds:.0f} ms)")
    look = "systemctl restart rspamd; journalctl -u rspamd -n 20; docs/spam-filter.md"
    if fault == os.strerror(errno.EACCES):
        group = "_rspamd"
        with contextlib.suppress(OSError, KeyError):
            group = grp.getgrgid(path.stat().st_gid).gr_name
        look = f"usermod -aG {group} letterbox && systemctl restart {SERVICE}; docs/spam-filter.md"
    return Link(_LINK, f"{path}: {fault}: {_UNFILTERED}", look=look)
