"""Starting the writer, the process that stores small messages.

A thread cannot do this well because of Python's global interpreter lock. At each system call one thread hands
the lock to the other, and both wait for it. That took a quarter of the CPU time and left the second core
idle. So the receiver, or the supervisor of several workers, forks a writer before it has any thread or event
loop. Each receiver sends messages to the writer through a socket pair (`writer`). The work of the writer is
in `pipeline`.

Neither process outlives the other. The kernel kills the writer when the process that forked it ends. A
receiver that loses its writer ends the messages in progress, exits, and is started again by systemd or the
supervisor.
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

from receiver.hook_queue import Hook
from receiver.storage import pipeline
from receiver.storage.folders import Folders
from receiver.system import journal
from receiver.system.libc import die_with_parent, limit_arenas, name_process

NAME = "letterbox-store"  # in ps(1) and top(1)
_BUFFER = 212_992  # octets that each socket of a pair should buffer (SO_SNDBUF of socket(7))
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}  # The writer ignores them.


class WriterProcess:
    """The writer, as its parent sees it. Make it before there is any thread or event loop.

    It stores messages in the folder `mail`, with the links that `hooks` and `bucket` want (`Folders`). It
    closes the sockets `inherited`, which it must not keep open.
    """

    def __init__(
        self,
        mail: Path,
        inherited: Sequence[socket.socket],
        hooks: Sequence[Hook] = (),
        *,
        bucket: bool = False,
    ) -> None:
        self._control, theirs = socket.socketpair()
        # A collection would write to the header of each object, and so copy the memory that both share.
        gc.freeze()
        parent = os.getpid()
        # Without the mask, such a signal would end the new process before it can ignore it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            self.id = os.fork()
            if not self.id:
                folders = Folders(mail, claims=False, hooks=hooks, bucket=bucket)
                _run_writer(folders, theirs, [self._control, *inherited], parent, mask)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()

    def channel(self) -> socket.socket:
        """Make a new socket pair to the writer, and return the end for one `Writer`. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            for each in (ours, theirs):
                with contextlib.suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            socket.send_fds(self._control, [b"+"], [theirs.fileno()])
        return ours

    def close_control(self) -> None:
        """Close our end of the control socket. A forked worker must not keep it, or the writer never ends."""
        self._control.close()

    def end(self) -> None:
        """Tell the writer to empty its log and end, and wait until it has ended."""
        self._control.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.id, 0)


def _run_writer(
    folders: Folders,
    control: socket.socket,
    foreign: Sequence[socket.socket],
    parent: int,
    mask: set[int],
) -> None:
    """Run the writer in the new process. Never returns."""
    code = 1
    try:
        name_process(NAME)
        die_with_parent(parent)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for each in foreign:
            each.close()
        limit_arenas()
        with journal.in_background():
            pipeline.serve(folders, control)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
