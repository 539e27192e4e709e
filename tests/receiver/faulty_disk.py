"""The disk seam of `receiver.maildir` with a fault in it: real system calls, but for one that fails."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any


class Disk:
    """The os module, noting its calls, and failing at one of them."""

    def __init__(self, fail_at: int = -1, number: int = errno.EIO) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.fail_at, self.number = fail_at, number
        self.paths: dict[int, str] = {}
        self.synced: set[str] = set()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.calls.append((name, arguments[0]))
            if len(self.calls) - 1 == self.fail_at:
                raise OSError(self.number, os.strerror(self.number))
            result = getattr(os, name)(*arguments)
            if name == "open":
                self.paths[result] = arguments[0]
            if name == "fsync":
                self.synced.add(self.paths[arguments[0]])
            return result

        return call
