"""A child that has given up root can use no power of root, so code in a parser cannot either."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.receiver.processes import ROOT

NOBODY = 65_534
ATTEMPTS = """
import json, os, socket, sys
from receiver.system import privileges

def outcome(attempt):
    try:
        return attempt() or "done"
    except OSError as error:
        return error.strerror

def attempts():
    lines = open("/proc/self/status").read().splitlines()
    status = dict(line.split(":\\t") for line in lines if ":\\t" in line)
    return {
        "file": outcome(lambda: open(sys.argv[1]).read()),
        "descriptor": outcome(lambda: os.read(int(sys.argv[5]), 10).decode()),
        "root again": outcome(lambda: os.setuid(0)),
        "another user": outcome(lambda: os.setuid(1)),
        "parent's memory": outcome(lambda: open(f"/proc/{os.getppid()}/mem", "rb").read(1)),
        "parent's variables": outcome(lambda: open(f"/proc/{os.getppid()}/environ").read()),
        "first variables": outcome(lambda: open("/proc/self/environ").read()),
        "mount": outcome(lambda: os.chroot("/")),
        "signal": outcome(lambda: os.kill(os.getppid(), 9)) if os.getuid() else "",
        "variables": sorted(os.environ),
        "ids": [*os.getresuid(), *os.getresgid(), *os.getgroups()],
        "capabilities": {status[name] for name in status if name.startswith("Cap")} == {"0" * 16},
        "no new privileges": status["NoNewPrivs"],
        "interfaces": [name for _, name in socket.if_nameindex()],
        "connection": outcome(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[2])), 5).close()),
    }

user = privileges.User(int(sys.argv[3]), int(sys.argv[3]))
print(json.dumps(privileges.ask_child(user, attempts, network=sys.argv[4] == "network")))
"""


def tried(folder: Path, *arguments: str) -> dict[str, object]:
    secret = folder / "secret"
    secret.write_text("root's alone")
    secret.chmod(0o600)
    with secret.open() as opened:
        command = [sys.executable, "-c", ATTEMPTS, str(secret), *arguments, str(opened.fileno())]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "TOKEN": "hush"}, pass_fds=[opened.fileno()],
            capture_output=True,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_no_power_of_root_is_left_after_root_was_given_up(folder: Path, free_port: int) -> None:
    found = tried(folder, str(free_port), str(NOBODY), "none")
    assert found["file"] == found["parent's memory"] == found["first variables"] == "Permission denied"
    assert found["parent's variables"] == "Permission denied"
    assert found["root again"] == found["another user"] == found["mount"] == "Operation not permitted"
    assert found["signal"] == "Operation not permitted"
    assert found["descriptor"] == "Bad file descriptor"
    assert "TOKEN" not in str(found["variables"])
    assert found["ids"] == [NOBODY] * 6
    assert found["capabilities"] is True
    assert found["no new privileges"] == "1"
    assert found["interfaces"] == ["lo"]
    assert found["connection"] == "Network is unreachable"


def test_only_the_network_stays_when_it_is_asked_for(folder: Path, free_port: int) -> None:
    found = tried(folder, str(free_port), str(NOBODY), "network")
    assert found["connection"] == "Connection refused"
    assert (found["file"], found["capabilities"]) == ("Permission denied", True)


def test_for_mail_owned_by_root_all_but_the_user_is_given_up(folder: Path, free_port: int) -> None:
    found = tried(folder, str(free_port), "0", "none")
    assert found["capabilities"] is True
    assert found["interfaces"] == ["lo"]
    assert found["another user"] == found["mount"] == "Operation not permitted"


CHILD = """
import signal, sys, time
from receiver.system import privileges

def interrupt(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, interrupt)

def work():
    print("at work", flush=True)
    if sys.argv[1] == "wait":
        time.sleep(60)
    return 7

code = privileges.in_child(privileges.User(65534, 65534), work)
print("tidied up", flush=True)
sys.exit(code)
"""


def test_the_exit_code_is_that_of_the_child(root: None) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, "go"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (7, "at work\ntidied up\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_child_and_then_root_cleans_up(root: None, number: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, "wait"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "at work\n"
    began = time.monotonic()
    if number == signal.SIGINT:  # a terminal sends it to the whole group
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert process.communicate()[0] == "tidied up\n"
    assert process.returncode == 130
    assert time.monotonic() - began < 30
