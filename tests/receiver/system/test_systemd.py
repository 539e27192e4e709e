"""The receiver serves the sockets that systemd hands over, and notifies it of its states."""

from __future__ import annotations

import fcntl
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.receiver.processes import DEADLINE, ROOT, environment
from tests.receiver.wire import listen

# Moves the two descriptors to 3 and 4, as systemd does, and becomes the receiver.
ACTIVATE = """
import os, sys
for target, source in ((3, int(sys.argv[1])), (4, int(sys.argv[2]))):
    os.dup2(source, target)
names = "letterbox.socket:letterbox.socket"
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES=names)
os.execv(sys.executable, [sys.executable, "-m", "receiver", "serve", "--mail", sys.argv[3]])
"""


def test_sockets_of_both_families_are_served_and_the_manager_is_notified(tmp_path: Path) -> None:
    try:
        four, six = listen(socket.AF_INET, "127.0.0.1"), listen(socket.AF_INET6, "::1")
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(tmp_path / "notify"))
    notify.settimeout(DEADLINE)
    high = [fcntl.fcntl(each, fcntl.F_DUPFD, 50) for each in (four, six)]  # 3 and 4 must be free.
    process = subprocess.Popen(
        [sys.executable, "-c", ACTIVATE, *map(str, high), str(tmp_path / "mail")],
        cwd=ROOT, pass_fds=high, env=environment() | {"NOTIFY_SOCKET": str(tmp_path / "notify")},
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert notify.recv(4096).startswith(b"READY=1\n")
        for each in (four, six):
            with socket.create_connection(each.getsockname()[:2], DEADLINE) as connection:
                assert connection.recv(4) == b"220 "
        process.send_signal(signal.SIGHUP)
        assert notify.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert notify.recv(4096) == b"READY=1"
        process.send_signal(signal.SIGTERM)
        assert notify.recv(4096) == b"STOPPING=1"
        assert process.wait(DEADLINE) == 0
    finally:
        process.kill()
        _, log = process.communicate()
    assert b"[::1]:" in log
    with socket.create_connection(
        four.getsockname(), DEADLINE
    ):  # The socket is still ours, and nobody was refused.
        pass
