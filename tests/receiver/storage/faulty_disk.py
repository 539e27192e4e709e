"""A `receiver.storage` disk with a fault: it makes real system calls, except one that fails."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from typing import Any

from receiver.storage.disk import SYSTEM


class Disk:
    """Makes and records the system calls, and fails at one of them."""

    def __init__(self, fail_at: int = -1, number: int = errno.EIO) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.fail_at, self.number = fail_at, number
        self.failed = ""  # the name of the call that did
        self.paths: dict[int, str] = {}
        self.synced: set[str] = set()
        self._open: set[int] = set()
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            with self._lock:
                self.calls.append((name, arguments[0]))
                fails = len(self.calls) - 1 == self.fail_at
            if fails:
                self.failed = name
                raise OSError(self.number, os.strerror(self.number))
            result = getattr(SYSTEM, name)(*arguments)
            if name == "open":
                self.paths[result] = arguments[0]
                self._open.add(result)
            if name == "close":
                self._open.discard(arguments[0])
            if name == "fsync":
                self.synced.add(self.paths[arguments[0]])
            return result

        return call

    def close_all(self) -> None:
        """Close the descriptors whose close failed, as the end of a process would."""
        for fd in self._open:
            os.close(fd)
        self._open.clear()
