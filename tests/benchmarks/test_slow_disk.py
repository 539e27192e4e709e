"""The slow disk of the mail benchmark: each sync that waits takes longer, for every receiver measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.mail.disks.slow import check_loaded, check_slowed, library
from benchmarks.mail.errors import Broken
from benchmarks.mail.load import Load, Result
from benchmarks.mail.receivers import Receiver

needs_a_compiler = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")


SYNCS = """
import ctypes, os, sys, time
c, fd = ctypes.CDLL(None), os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
c.sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
for call in (
    lambda: os.fsync(fd), lambda: os.fdatasync(fd), lambda: c.syncfs(fd),
    lambda: c.sync_file_range(fd, 0, 0, 7), lambda: c.sync_file_range(fd, 0, 0, 2),
):
    os.write(fd, b"x")
    began = time.monotonic()
    call()
    print(time.monotonic() - began)
"""


WRITE_OUTS = """
import ctypes, os, sys, time
c = ctypes.CDLL(None)
c.sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
def opened(name): return os.open(sys.argv[1] + name, os.O_CREAT | os.O_WRONLY)
def took(fds):
    began = time.monotonic()
    for fd in fds: c.sync_file_range(fd, 0, 0, 7)
    print(time.monotonic() - began)
fds = [opened(name) for name in "abc"]
for fd in fds: os.write(fd, b"x"); c.sync_file_range(fd, 0, 0, 2)
took(fds)
took(fds[:2])  # nothing was begun since
c.sync_file_range(fds[0], 0, 0, 2)
os.fsync(fds[1])
took(fds[:1])  # what was begun is over
c.sync_file_range(fds[0], 0, 0, 2)
os.fsync(fds[1])
os.close(fds[0])
assert opened("d") == fds[0]
took(fds[:1])
"""


# A clock that only sleep moves, so neither a busy disk nor a busy machine takes time.
CLOCK = """
#define _GNU_SOURCE
#include <time.h>
static long long now = 1000000000;
int clock_gettime(clockid_t clock, struct timespec *time) {
    time->tv_sec = now / 1000000000;
    time->tv_nsec = now % 1000000000;
    return 0;
}
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *due, struct timespec *left) {
    long long until = due->tv_sec * 1000000000LL + due->tv_nsec;
    now = until > now ? until : now;
    return 0;
}
"""


def seconds(script: str, folder: Path, *before: Path) -> list[float]:
    """What the script prints under the slowed syncs, with other libraries loaded before them."""
    variables = os.environ | {"LD_PRELOAD": ":".join(map(str, (*before, library(1000, folder))))}
    command = [sys.executable, "-c", script, str(folder / "file")]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    return [float(each) for each in done.stdout.split()]


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    made = tmp_path / "clock.so"
    command = ["cc", "-fPIC", "-shared", "-nostdlib", "-o", str(made), "-xc", "-"]
    subprocess.run(command, input=CLOCK, text=True, check=True)
    return made


@needs_a_compiler
def test_only_syncs_that_wait_take_longer(tmp_path: Path, clock: Path) -> None:
    assert seconds(SYNCS, tmp_path, clock) == [1, 1, 1, 1, 0]


@needs_a_compiler
def test_syncs_take_longer_by_any_clock(tmp_path: Path) -> None:
    assert min(seconds(SYNCS, tmp_path)[:4]) >= 1


@needs_a_compiler
def test_write_outs_that_start_together_end_together(tmp_path: Path, clock: Path) -> None:
    together, in_turn, over, another_file = seconds(WRITE_OUTS, tmp_path, clock)
    assert (together, in_turn) == (1, 2)
    assert (over, another_file) == (0, 1)


@needs_a_compiler
def test_a_receiver_without_the_slowed_syncs_is_not_measured(tmp_path: Path) -> None:
    command, preload = [sys.executable, "-c", "print(flush=True); input()"], library(1, tmp_path)
    for variables, slowed in (({"LD_PRELOAD": str(preload)}, True), ({}, False)):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, env=os.environ | variables, **pipes) as process:
            assert process.stdout is not None and process.stdout.readline() == b"\n"
            receiver = Receiver("Some", process.pid, 0, tmp_path)
            if slowed:
                check_loaded(receiver)
            else:
                with pytest.raises(Broken, match="does not have the slowed syncs"):
                    check_loaded(receiver)
            process.communicate(b"\n")


def test_a_rate_that_leaves_no_time_for_a_sync_is_not_believed(tmp_path: Path) -> None:
    receiver, load = Receiver("Some", 0, 0, tmp_path), Load("2 sessions", 2, 100, 1000)
    check_slowed(receiver, load, Result(0.41, 0, 0, 0), 8)
    with pytest.raises(Broken, match="256 messages a second, where a sync before every 250 allows 250"):
        check_slowed(receiver, load, Result(0.39, 0, 0, 0), 8)
