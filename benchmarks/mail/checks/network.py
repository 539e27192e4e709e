"""A network of this program's own, with addresses for benchmarks (RFC 2544) on its loopback interface.

Checks of senders leave out those on 127.0.0.1, and some resolvers ask no name server there. Port 53 is free.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.mail.errors import Broken

NETWORK = "198.18.0.0/15"
_CLONE_NEWNET = 0x40000000  # <linux/sched.h>


@contextlib.contextmanager
def own_network() -> Iterator[None]:
    """Move this thread, and all processes that it starts, into a new network and out again. Raises Broken.

    It needs root. Every address of NETWORK is one of its own. No other host can be reached from it.
    """
    with Path("/proc/thread-self/ns/net").open("rb") as before:
        _call("unshare", _CLONE_NEWNET)
        try:
            for words in ("link set lo up", f"address add {NETWORK} dev lo"):
                _run(words)
            yield
        finally:
            _call("setns", before.fileno(), _CLONE_NEWNET)


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc[name](*arguments):
        raise Broken(f"no network of its own can be made: {name}: {os.strerror(ctypes.get_errno())}")


def _run(words: str) -> None:
    try:
        subprocess.run(["ip", *words.split()], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise Broken("the checks need ip(8): apt-get install iproute2, or dnf install iproute") from None
    except subprocess.CalledProcessError as error:
        raise Broken(f"ip {words}: {error.stderr.strip()}") from None
