"""Group commit: messages that are ready at the same time are made durable together.

While a group is being made durable the next one gathers; a message that is alone never waits. A group of
small messages is made durable by one sync of the write-ahead log (`wal`), and then gets its names in new/. Of
large ones, and of those that the log cannot take, all content is written out first; then all files get their
names; then everything is synced, by one syncfs(2) or by one fsync(2) a file and a folder, all at once. A file
system that may keep a rename and lose the content before it (see `disk.keeps_order`) has its files synced
before they are named. Then, and only then, the group is answered. What fails for one message fails that
message alone, and leaves nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from receiver.storage.incoming import Incoming

if TYPE_CHECKING:
    from receiver.storage.maildir import Store

_AT_ONCE = 2  # groups: the second is begun while the first is being synced, if that takes long
_LONG = 0.003  # seconds
_MOST = 100  # messages of one group
_FEW = 4  # files up to which each is synced by itself: syncfs would wait for what others wrote, too

Failures = dict[Incoming, OSError]
Job = tuple[Sequence[Incoming], Callable[[], None]]  # whom its failure concerns, and the work


class Commit:
    """Groups messages. `deliver` is called from one event loop at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Incoming, asyncio.Future[None]]] = []
        self._running = 0
        self._due = False
        self._syncs = ThreadPoolExecutor(8, "sync")

    async def deliver(self, message: Incoming) -> None:
        """Return when the message is durable. Raises OSError, with nothing left of it."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._waiting.append((message, done))
        if not self._due:
            self._due = True
            if self._running:  # where syncs are fast, the larger group is the faster one
                loop.call_later(_LONG, self._begin, loop)
            else:
                loop.call_soon(self._begin, loop)  # with all that became ready in this turn of the loop
        await done

    def close(self) -> None:
        self._syncs.shutdown(wait=True)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = False
        if self._running < _AT_ONCE and self._waiting:
            self._running += 1
            group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            work = self._store.threads.submit(self.commit, [message for message, _ in group])
            work.add_done_callback(lambda work: _tell(loop, self._end, loop, group, work))

    def _end(
        self,
        loop: asyncio.AbstractEventLoop,
        group: Sequence[tuple[Incoming, asyncio.Future[None]]],
        work: Future[Failures],
    ) -> None:
        self._running -= 1
        broken = work.exception()
        failures = {} if broken else work.result()
        for message, done in group:
            error = broken or failures.get(message)
            if done.done():
                continue
            if error:
                done.set_exception(error)
            else:
                done.set_result(None)
        self._begin(loop)

    def commit(self, group: Sequence[Incoming]) -> Failures:
        """Make all of a group durable; those that could not be, and why."""
        failures: Failures = {}
        try:
            small = [each for each in group if each.is_small]
            _each(group, failures, Incoming.stage)
            small = [each for each in small if each not in failures]
            logged = set(small) if self._place_with_log(small, failures) else set()
            self._place_and_sync([each for each in group if each not in logged], failures)
        except BaseException as error:
            failures |= {each: OSError(errno.EIO, f"{type(error).__name__}: {error}") for each in group}
            raise
        finally:
            for message in group:
                if message in failures:
                    message.undo()
                else:
                    message.close()
        return failures

    def _place_with_log(self, group: Sequence[Incoming], failures: Failures) -> bool:
        """Into the log, and then to new/. False, with nothing done, where no log takes them."""
        log = self._store.log
        if log is None or not group:
            return False
        homes = {device: folder for each in group for device, folder in each.homes.items()}
        with log.durable([each.record for each in group], homes) as entry:
            if entry is None:
                return False
            _each(group, failures, Incoming.place)
            for at, message in enumerate(group):
                if message in failures:
                    entry.withdraw(at)
        return True

    def _place_and_sync(self, group: Sequence[Incoming], failures: Failures) -> None:
        """To new/, and everything on stable storage."""
        ordered = [each for each in group if each not in failures and self._keeps_order(each)]
        others = [each for each in group if each not in failures and each not in ordered]
        _each(ordered, failures, Incoming.begin_writing_out)
        _each(ordered, failures, Incoming.write_out)
        self._together(self._files(others), failures)
        _each(group, failures, Incoming.place)
        self._sync(ordered, others, failures)

    def _keeps_order(self, message: Incoming) -> bool:
        return message.all_open and all(self._store.keeps_order(each) for each in message.devices)

    def _sync(self, ordered: Sequence[Incoming], others: Sequence[Incoming], failures: Failures) -> None:
        """All that has been placed: `ordered` has nothing synced yet, of `others` the files."""
        ordered = [each for each in ordered if each not in failures]
        if sum(len(each.files) for each in ordered) > _FEW and self._sync_file_systems(ordered):
            ordered = []
        placed = [each for each in (*ordered, *others) if each not in failures]
        self._together([*self._files(ordered), *self._folders(placed)], failures)

    def _sync_file_systems(self, messages: Sequence[Incoming]) -> bool:
        """False where one of them failed; which message that concerns is then asked file by file."""
        files = {device: fd for each in messages for device, fd in each.devices.items()}
        try:
            for fd in files.values():
                self._store.disk.syncfs(fd)
        except OSError:
            return False
        return True

    def _files(self, messages: Sequence[Incoming]) -> list[Job]:
        return [((each,), partial(self._store.disk.fsync, fd)) for each in messages for fd in each.files]

    def _folders(self, messages: Sequence[Incoming]) -> list[Job]:
        concerned: dict[str, list[Incoming]] = {}
        for message in messages:
            for folder in message.folders:
                concerned.setdefault(folder, []).append(message)
        return [(those, partial(self._store.sync_folder, folder)) for folder, those in concerned.items()]

    def _together(self, jobs: Sequence[Job], failures: Failures) -> None:
        """Do all at once: syncs that wait for the same journal wait for it together."""
        pending = [self._syncs.submit(_failure, work) for _, work in jobs[1:]]
        outcomes = [_failure(work) for _, work in jobs[:1]] + [each.result() for each in pending]
        for (concerned, _), error in zip(jobs, outcomes, strict=True):
            if error:
                failures.update(dict.fromkeys(concerned, error))


def _tell(loop: asyncio.AbstractEventLoop, *what: Any) -> None:
    with contextlib.suppress(RuntimeError):  # it has ended, and nobody waits there any more
        loop.call_soon_threadsafe(*what)


def _each(messages: Sequence[Incoming], failures: Failures, step: Callable[[Incoming], None]) -> None:
    """One step for each message that has not failed yet."""
    for message in messages:
        if message not in failures:
            try:
                step(message)
            except OSError as error:
                failures[message] = error


def _failure(work: Callable[[], None]) -> OSError | None:
    try:
        work()
    except OSError as error:
        return error
    return None
