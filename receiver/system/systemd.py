"""What systemd hands over and wants to hear: sd_listen_fds(3) and sd_notify(3), without its library."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable

_FIRST = 3  # SD_LISTEN_FDS_START


def listening_sockets() -> list[socket.socket]:
    """The sockets of a .socket unit, none if we were not started by one. The variables are then unset."""
    mine = os.environ.get("LISTEN_PID") == str(os.getpid())
    count = os.environ.get("LISTEN_FDS", "0")
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    if not mine or not count.isdigit():
        return []
    sockets = [socket.socket(fileno=fd) for fd in range(_FIRST, _FIRST + int(count))]
    for each in sockets:
        each.setblocking(False)
        os.set_inheritable(each.fileno(), False)
    return sockets


def notify(*states: str) -> None:
    """Tell the service manager, if there is one, like READY=1. Never raises."""
    with contextlib.suppress(OSError):
        _tell("\n".join(states).encode())


def tell_instead(tell: Callable[[bytes], object]) -> None:
    """From here on, states go there: to a supervisor, who alone speaks to the manager (NotifyAccess=main)."""
    global _tell
    _tell = tell


def _tell_manager(states: bytes) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect(address)
        out.sendall(states)


_tell: Callable[[bytes], object] = _tell_manager


def notify_reloading() -> None:
    """The start of a reload; READY=1 ends it (Type=notify-reload wants the time too)."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
