"""What the kernel allows this process, raised to the most that it may have."""

from __future__ import annotations

import contextlib
import resource


def raise_file_limit() -> None:
    """Raise the limit on open files to the hard limit, because each connection and each message needs one."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now != most:
        with contextlib.suppress(OSError, ValueError):  # A sandbox may forbid it.
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
