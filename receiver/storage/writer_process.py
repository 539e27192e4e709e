"""The process that stores small messages, for whoever forks it.

A thread could store them, but for Python's lock: each system call of one thread hands it to the other, and
both wait for it. That took a quarter of the CPU, and left the second core idle. So the receiver, or what
starts its workers, forks a writer before it has any thread or loop. Each receiver hands it messages through
a socket pair (`writer`). What the writer does is in `pipeline`.

Neither outlives the other. Without whoever forked it the writer is killed; without it a receiver ends,
with what it has under way, and is started anew by whoever started it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import traceback
from collections.abc import Sequence
from pathlib import Path

from receiver.storage import pipeline
from receiver.storage.folders import Folders
from receiver.system import journal
from receiver.system.libc import die_with_parent, few_arenas, name_process

NAME = "letterbox-store"
_BUFFER = 212_992  # octets that a socket pair holds at least, where the system lets us (socket(7))
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}  # the receiver's to obey


class Process:
    """The process itself, for whoever forks it: before there is any thread, or a loop.

    It stores into the folder `mail`, and lets go of the sockets that are `not_for_it`.
    """

    def __init__(self, mail: Path, not_for_it: Sequence[socket.socket]) -> None:
        self._control, theirs = socket.socketpair()
        gc.freeze()  # what is there by now is shared with it, not copied
        parent = os.getpid()
        # A signal that is the receiver's to obey would end it before it can say so.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            self.id = os.fork()
            if not self.id:
                _become(mail, theirs, [self._control, *not_for_it], parent, mask)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()

    def channel(self) -> socket.socket:
        """Another way to it, for one `Writer`. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            for each in (ours, theirs):
                with contextlib.suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            socket.send_fds(self._control, [b"+"], [theirs.fileno()])
        return ours

    def let_go(self) -> None:
        """In another process that was forked: it is not ours."""
        self._control.close()

    def end(self) -> None:
        """Let it empty its log and end, and wait for that."""
        self._control.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.id, 0)


def _become(
    mail: Path,
    control: socket.socket,
    foreign: Sequence[socket.socket],
    parent: int,
    mask: set[int],
) -> None:
    """In the new process. Never returns."""
    code = 1
    try:
        name_process(NAME)
        die_with_parent(parent)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for each in foreign:
            each.close()
        few_arenas()
        with journal.in_background():
            pipeline.serve(Folders(mail, claims=False), control)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
