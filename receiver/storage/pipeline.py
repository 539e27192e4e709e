"""What the writer does: small messages through the write-ahead log, and how they come and are answered.

All that has come is written to tmp/ and appended to the log; then the log is synced; then it gets its names
in new/, and is answered. A message that comes alone does not wait. Where syncs take long, threads do them:
what comes meanwhile is written and appended, and a second sync may begin while the first is under way.

Each receiver has a channel to it. A control socket brings them, by SCM_RIGHTS; when that hangs up, the writer
ends.
"""

from __future__ import annotations

import errno
import itertools
import os
import select
import socket
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

from receiver.storage.channel import READY, Channel, reply
from receiver.storage.folders import Folders
from receiver.storage.group import Group
from receiver.storage.incoming import Incoming
from receiver.storage.record import Record
from receiver.storage.segment import SYNCS
from receiver.storage.wal import Entry, Log, open_log

_MOST = 100  # messages after which no more are taken before they are being synced
_LONG = 0.003  # seconds of a sync
_FILE_SYNCS = 8  # of files and folders, at once, where the log does not take a message


def serve(folders: Folders, control: socket.socket, *, smallest: int = 1 << 20) -> None:
    """Store what comes until the control socket hangs up, and empty the log."""
    log = open_log(folders, smallest=smallest)
    with ThreadPoolExecutor(_FILE_SYNCS, "sync") as syncs:
        _Pipeline(folders, log, syncs, control).run()
    if log:
        log.close()


class _Numbered(Group):
    """A group of messages that came at once, and the numbers of their requests."""

    def __init__(
        self,
        folders: Folders,
        log: Log | None,
        syncs: Executor,
        channel: Channel,
        requests: Sequence[tuple[int, Record]],
    ) -> None:
        records = [record for _, record in requests]
        messages = [Incoming.from_record(folders, record) for record in records]
        super().__init__(folders, log, syncs, messages, records)
        self.channel = channel
        self._numbers = [number for number, _ in requests]

    def replies(self) -> bytes:
        return b"".join(
            reply(number, self.failures[each].errno or errno.EIO if each in self.failures else 0)
            for number, each in zip(self._numbers, self.messages, strict=True)
        )


class _Sync:
    """One sync of the log, for these groups: `entry`, and all that is in the same segment."""

    def __init__(self, groups: Sequence[_Numbered], entry: Entry) -> None:
        self.groups = groups
        self.began = time.monotonic()
        self.good = False
        self._entry = entry

    def do(self) -> None:
        self.good = self._entry.sync()


class _Pipeline:
    def __init__(self, folders: Folders, log: Log | None, syncs: Executor, control: socket.socket) -> None:
        self._folders, self._log, self._syncs, self._control = folders, log, syncs, control
        self._channels: dict[int, Channel] = {}  # by file descriptor
        self._appended: list[_Numbered] = []  # and not being synced yet
        self._running: list[_Sync] = []
        self._fast = True  # the last sync was
        self._done: deque[_Sync] = deque()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._threads = ThreadPoolExecutor(SYNCS, "log")
        self._events, self._ends = select.poll(), select.poll()  # all that may come, and the end of a sync
        self._ends.register(self._wake, select.POLLIN)
        for each in (control.fileno(), self._wake):
            self._events.register(each, select.POLLIN)

    def run(self) -> None:
        """Until the control socket hangs up."""
        try:
            while self._hear():
                self._begin()
        finally:
            self._threads.shutdown(wait=True)
            for group in itertools.chain(self._appended, *(sync.groups for sync in self._running)):
                group.abandon()

    def _hear(self) -> bool:
        """Wait for something, and take all that is there; False at the end."""
        patience, events = self._patience(), self._ends if self._has_enough() else self._events
        while ready := events.poll(patience):
            for each, _ in ready:
                if each == self._wake:
                    os.eventfd_read(self._wake)
                    while self._done:
                        self._finish(self._done.popleft())
                elif each in self._channels:
                    self._came(self._channels[each])
                elif not self._new_channel():
                    return False
            if self._has_enough():
                break
            patience = 0
        return True

    def _has_enough(self) -> bool:
        return sum(len(group.messages) for group in self._appended) >= _MOST

    def _new_channel(self) -> bool:
        octets, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        for descriptor in descriptors:
            channel = self._channels[descriptor] = Channel(socket.socket(fileno=descriptor))
            self._events.register(descriptor, select.POLLIN)
            channel.say(reply(READY, 0))
        return bool(octets)

    def _came(self, channel: Channel) -> None:
        requests = channel.hear()
        if requests is None:
            del self._channels[channel.fileno()]
            self._events.unregister(channel.fileno())
            channel.close()
        elif requests:
            group = _Numbered(self._folders, self._log, self._syncs, channel, requests)
            group.stage()
            if group.append():
                self._appended.append(group)
            else:
                group.finish(False)
                channel.say(group.replies())
                group.end()

    def _patience(self) -> float | None:
        """Milliseconds until another sync may begin; None where that is no matter of time."""
        if not self._appended or len(self._running) == SYNCS:
            return None
        if not self._running:
            return 0
        return max(0.0, self._running[0].began + _LONG - time.monotonic()) * 1000

    def _begin(self) -> None:
        """Sync what has been appended, if it may be now."""
        if self._patience() != 0:
            return
        first = self._appended[0].entry
        assert first
        groups = [each for each in self._appended if each.entry and each.entry.segment is first.segment]
        self._appended = [each for each in self._appended if each not in groups]
        sync = _Sync(groups, first)
        self._running.append(sync)
        if self._fast and len(self._running) == 1:
            sync.do()
            self._finish(sync)
        else:
            self._threads.submit(self._on_thread, sync)

    def _on_thread(self, sync: _Sync) -> None:
        sync.do()
        self._done.append(sync)
        os.eventfd_write(self._wake, 1)

    def _finish(self, sync: _Sync) -> None:
        self._fast = time.monotonic() - sync.began < _LONG
        self._running.remove(sync)
        replies: dict[Channel, bytes] = {}
        for group in sync.groups:
            group.finish(sync.good)
            replies[group.channel] = replies.get(group.channel, b"") + group.replies()
        for channel, each in replies.items():
            channel.say(each)
        for group in sync.groups:
            group.end()
