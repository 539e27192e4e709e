"""The work of the writer: storing small messages through the write-ahead log, and answering for each.

The writer stages all messages that have come and appends them to the log. Then it syncs the log, renames the
files to new/, and sends the results. A message that comes alone does not wait. If syncs take long, threads do
them. Then the writer stages and appends further messages meanwhile, and may begin a second sync.

Each receiver has a channel to the writer. The receivers pass their channels over a control socket (SCM_RIGHTS
of unix(7)). The writer ends when the control socket is closed.
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

from receiver.storage.channel import READY, Channel, pack_result
from receiver.storage.folders import Folders
from receiver.storage.group import FILE_SYNCS, MAX_MESSAGES, SLOW_SYNC, Group
from receiver.storage.incoming import Incoming
from receiver.storage.log.record import Record
from receiver.storage.log.segment import SYNCS
from receiver.storage.log.wal import Entry, Log, open_log


def serve(folders: Folders, control: socket.socket) -> None:
    """Store messages until the control socket is closed. Then empty the log."""
    log = open_log(folders)
    with ThreadPoolExecutor(FILE_SYNCS, "sync") as syncs:
        _Pipeline(folders, log, syncs, control).run()
    if log:
        log.close()


class _RequestGroup(Group):
    """The messages of requests that came together on one channel."""

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

    def results(self) -> bytes:
        """The results of all requests, as octets for the channel."""
        return b"".join(
            pack_result(number, self.failures[each].errno or errno.EIO if each in self.failures else 0)
            for number, each in zip(self._numbers, self.messages, strict=True)
        )


class _LogSync:
    """A sync of the log for some groups. `entry` is one of theirs; all are in the same segment."""

    def __init__(self, groups: Sequence[_RequestGroup], entry: Entry) -> None:
        self.groups = groups
        self.began_at = time.monotonic()
        self.good = False  # whether the sync has succeeded
        self._entry = entry

    def run(self) -> None:
        self.good = self._entry.sync()


class _Pipeline:
    def __init__(self, folders: Folders, log: Log | None, syncs: Executor, control: socket.socket) -> None:
        self._folders, self._log, self._syncs, self._control = folders, log, syncs, control
        self._channels: dict[int, Channel] = {}  # by file descriptor
        self._appended: list[_RequestGroup] = []  # groups in the log whose sync has not begun
        self._running: list[_LogSync] = []
        self._last_was_fast = True
        self._done: deque[_LogSync] = deque()  # syncs that threads have ended
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._threads = ThreadPoolExecutor(SYNCS, "log")
        # _sync_ends reports only the ends of syncs; _events reports everything.
        self._events, self._sync_ends = select.poll(), select.poll()
        self._sync_ends.register(self._wake, select.POLLIN)
        for each in (control.fileno(), self._wake):
            self._events.register(each, select.POLLIN)

    def run(self) -> None:
        """Work until the control socket is closed."""
        try:
            while self._take_events():
                self._begin_sync()
        finally:
            self._threads.shutdown(wait=True)
            for group in itertools.chain(self._appended, *(sync.groups for sync in self._running)):
                group.abandon()

    def _take_events(self) -> bool:
        """Wait for an event, and handle all that are there. False if the control socket is closed."""
        timeout, events = self._sync_timeout(), self._sync_ends if self._has_enough() else self._events
        while ready := events.poll(timeout):
            for each, _ in ready:
                if each == self._wake:
                    os.eventfd_read(self._wake)
                    while self._done:
                        self._finish_sync(self._done.popleft())
                elif each in self._channels:
                    self._take_requests(self._channels[each])
                elif not self._add_channel():
                    return False
            if self._has_enough():
                break
            timeout = 0
        return True

    def _has_enough(self) -> bool:
        """Whether the messages that wait for a sync are too many to take more now."""
        return sum(len(group.messages) for group in self._appended) >= MAX_MESSAGES

    def _add_channel(self) -> bool:
        octets, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        for descriptor in descriptors:
            channel = self._channels[descriptor] = Channel(socket.socket(fileno=descriptor))
            self._events.register(descriptor, select.POLLIN)
            channel.send(pack_result(READY, 0))
        return bool(octets)

    def _take_requests(self, channel: Channel) -> None:
        requests = channel.receive()
        if requests is None:
            del self._channels[channel.fileno()]
            self._events.unregister(channel.fileno())
            channel.close()
        elif requests:
            group = _RequestGroup(self._folders, self._log, self._syncs, channel, requests)
            group.stage()
            if group.append():
                self._appended.append(group)
            else:
                group.finish(False)
                channel.send(group.results())
                group.end()

    def _sync_timeout(self) -> float | None:
        """Milliseconds until a sync may begin; None if no sync can begin before something else happens."""
        if not self._appended or len(self._running) == SYNCS:
            return None
        if not self._running:
            return 0
        return max(0.0, self._running[0].began_at + SLOW_SYNC - time.monotonic()) * 1000

    def _begin_sync(self) -> None:
        """Begin to sync the appended groups, if a sync may begin now."""
        if self._sync_timeout() != 0:
            return
        first = self._appended[0].entry
        assert first
        groups = [each for each in self._appended if each.entry and each.entry.segment is first.segment]
        self._appended = [each for each in self._appended if each not in groups]
        sync = _LogSync(groups, first)
        self._running.append(sync)
        if self._last_was_fast and len(self._running) == 1:
            sync.run()
            self._finish_sync(sync)
        else:
            self._threads.submit(self._run_on_thread, sync)

    def _run_on_thread(self, sync: _LogSync) -> None:
        sync.run()
        self._done.append(sync)
        os.eventfd_write(self._wake, 1)

    def _finish_sync(self, sync: _LogSync) -> None:
        self._last_was_fast = time.monotonic() - sync.began_at < SLOW_SYNC
        self._running.remove(sync)
        results: dict[Channel, bytes] = {}
        for group in sync.groups:
            group.finish(sync.good)
            results[group.channel] = results.get(group.channel, b"") + group.results()
        for channel, each in results.items():
            channel.send(each)
        for group in sync.groups:
            group.end()
