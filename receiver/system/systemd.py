"""Taking sockets from systemd and notifying it: sd_listen_fds(3) and sd_notify(3), without its library."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable

_FIRST = 3  # SD_LISTEN_FDS_START


def listening_sockets() -> list[socket.socket]:
    """The sockets of the .socket unit that started us; none if no such unit did. Unsets the variables."""
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
    """Send states, such as READY=1, to the service manager, if there is one. Never raises."""
    with contextlib.suppress(OSError):
        _send("\n".join(states).encode())


def redirect_notifications(send: Callable[[bytes], object]) -> None:
    """Give all further states to `send`.

    A worker sends them to its supervisor, because systemd listens to the main process alone
    (NotifyAccess=main of systemd.service(5)).
    """
    global _send
    _send = send


def _send_to_manager(states: bytes) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect(address)
        out.sendall(states)


_send: Callable[[bytes], object] = _send_to_manager


def notify_reloading() -> None:
    """Tell the start of a reload, which READY=1 ends (Type=notify-reload of systemd.service(5))."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
