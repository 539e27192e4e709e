"""A hook that runs a command: the message on standard input, the envelope around it, and no shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.hooks.messages.envelope import boxes
from services.hooks.outcome import Delivered, NotAMessage, Refused, Vanished
from services.hooks.queue import Queue
from services.hooks.running import Runner
from services.hooks.schedule import Failure
from tests.services.hooks.hooks import BOX, Hook
from tests.waiting import wait_until

PYTHON = sys.executable


@pytest.fixture
def hook(tmp_path: Path) -> Hook:
    return Hook(tmp_path)


def run(hook: Hook, *words: str, name: str = "", longest: float = 20.0) -> object:
    name = name or hook.store()
    return Runner(words, boxes([BOX]), longest)(name, str(hook.pending / name))


def script(hook: Hook, source: str) -> tuple[str, ...]:
    return (PYTHON, "-c", source)


def is_running(number: int) -> bool:
    """Whether a process of this number runs. One that nobody has reaped yet does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_command_gets_the_message_and_the_envelope_and_nothing_else(hook: Hook, tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = (
        "import json, os, sys; octets = sys.stdin.buffer.read();"
        f"json.dump([dict(os.environ), octets.hex(), os.getcwd(), sys.argv], open({str(out)!r}, 'w'))"
    )
    hostile = "$(touch /tmp/x);`id`@sender.test"
    name = hook.store(b"Subject: \xff\0\r\n\r\n\xff\0", sender=hostile)
    os.environ["LETTERBOX_HOOK_SECRET_ORDERS"] = "s3cret"
    try:
        assert run(hook, PYTHON, "-I", "-c", source, "$(id)", name=name) == Delivered("exit 0")
    finally:
        del os.environ["LETTERBOX_HOOK_SECRET_ORDERS"]
    environment, octets, folder, argv = json.loads(out.read_text())
    environment.pop("LC_CTYPE", None)  # Python sets it itself.
    assert environment == {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "MAIL_ID": name,
        "MAIL_FROM": hostile,
        "MAIL_TO": "sales@example.test",
        "MAIL_BOX": "alice@example.test",
    }
    assert bytes.fromhex(octets) == (hook.pending / name).read_bytes()
    assert folder == "/"
    assert argv == ["-c", "$(id)"]


def test_the_command_cannot_change_the_message_by_its_standard_input(hook: Hook) -> None:
    name = hook.store()
    before = (hook.pending / name).read_bytes()
    run(hook, *script(hook, "import os; os.write(0, b'x')"), name=name)
    assert (hook.pending / name).read_bytes() == before


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import sys; sys.exit(75)", "exit code 75 (temporary failure)"),
        ("import sys; sys.exit(1)", "exit code 1"),
        (
            "import sys; print('one', flush=True); sys.exit('no such\\x1b[31m shelf')",
            "exit code 1: no such [31m shelf",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended by SIGKILL"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "ended by SIGTERM"),
    ],
)
def test_any_end_but_0_is_a_failure(hook: Hook, source: str, error: str) -> None:
    outcome = run(hook, *script(hook, source))
    assert isinstance(outcome, Refused)
    assert outcome.failure == Failure(error, is_of_message=error.startswith("exit code 1"))


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/no/such", "No such file or directory"),
        ("/etc/passwd", "Permission denied"),
        ("/tmp", "Permission denied"),
    ],
)
def test_a_command_that_cannot_be_started_is_a_failure(hook: Hook, path: str, error: str) -> None:
    assert run(hook, path) == Failure(f"{path} cannot be started: {error}")


def test_a_large_message_that_the_command_does_not_read_holds_nothing_up(hook: Hook) -> None:
    name = hook.store(b"x" * 25_000_000)
    # It would be refused if it had not ended by itself in 20 s.
    assert run(hook, *script(hook, "import time; time.sleep(0.2)"), name=name) == Delivered("exit 0")


def test_the_output_is_kept_up_to_a_bound_and_safe_for_the_log(hook: Hook) -> None:
    outcome = run(
        hook, *script(hook, "print('a\\x1b[2Jb\\u202e'); print('y' * 500); print('x\\n' * 5_000_000)")
    )
    assert isinstance(outcome, Delivered)
    assert outcome.output[0] == "a [2Jb"
    assert outcome.output[1] == "y" * 199 + "…"
    assert len(outcome.output) == 20


def test_at_the_limit_the_whole_process_group_is_ended(hook: Hook, tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = (
        "import os, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen(['sleep', '600']);"
        f"open({str(out)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}'); time.sleep(600)"
    )
    for longest in (3.0, 30.0, 90.0):  # A busy machine may need longer to start it.
        began = time.monotonic()
        assert run(hook, *script(hook, source), longest=longest) == Refused(
            Failure(f"not ended after {longest:g} s")
        )
        assert time.monotonic() - began < longest + 60, "and not when its 600 s are over"
        if out.exists() and len(out.read_text().split()) == 2:
            break
    numbers = [int(each) for each in out.read_text().split()]
    assert len(numbers) == 2
    wait_until(lambda: not any(is_running(each) for each in numbers), str(numbers))


def test_what_a_command_leaves_behind_ends_with_it_and_holds_nothing_up(hook: Hook, tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = (
        "import subprocess; child = subprocess.Popen(['sleep', '600']);"
        f"open({str(out)!r}, 'w').write(str(child.pid)); print('done')"
    )
    assert run(hook, *script(hook, source)) == Delivered("exit 0", ("done",))
    wait_until(lambda: not is_running(int(out.read_text())), "the child to end")


def test_a_message_that_is_gone_or_is_none_is_no_failure(hook: Hook) -> None:
    assert run(hook, PYTHON, name="1.gone") == Vanished()
    (hook.pending / "1.link").symlink_to("/etc/passwd")
    with pytest.raises(OSError) as raised:
        run(hook, PYTHON, name="1.link")
    assert Queue(hook.queue).unreadable("1.link", raised.value) == NotAMessage()


def test_commands_run_one_at_a_time_the_oldest_first(tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = (
        "import os, time; f = open(%r, 'a'); f.write(os.environ['MAIL_ID'] + '\\n'); f.flush();"
        "time.sleep(0.1); f.write('end\\n')"
    )
    hook = Hook(tmp_path, command=[PYTHON, "-I", "-c", source % str(out)])
    now = time.time()
    names = [hook.store(arrived=now - age) for age in (10, 3000, 20, 1)]
    with hook.running():
        wait_until(lambda: not hook.names(), "an empty queue")
    assert out.read_text().split() == [word for each in sorted(names) for word in (each, "end")]


def test_the_log_has_a_line_a_try_and_the_output(tmp_path: Path) -> None:
    hook = Hook(
        tmp_path, command=["/bin/sh", "-c", 'echo "got $MAIL_FROM"; test "$MAIL_FROM" = zoe@sender.test']
    )
    good, bad = hook.store(), hook.store(sender="b@sender.test")
    with hook.running():
        wait_until(lambda: bad in hook.state().get("tries", ()), hook.state)
    log = hook.log.read_text()
    assert f'event=output hook=orders id={good} line="got zoe@sender.test"' in log
    assert f'event=delivered hook=orders id={good} answer="exit 0" seconds=' in log
    assert f"event=failed hook=orders id={bad} tries=1 again=" in log
    assert 'error="exit code 1: got b@sender.test"' in log


def test_a_journal_that_takes_no_lines_holds_up_no_message(tmp_path: Path) -> None:
    """Each message makes 4 KB of lines, and a pipe holds 64 KiB."""
    hook = Hook(tmp_path, command=[PYTHON, "-c", "print(('x' * 190 + '\\n') * 20)"])
    for _ in range(30):
        hook.store()
    with subprocess.Popen(hook.command(), stderr=subprocess.PIPE) as process:
        wait_until(lambda: not hook.names(), "an empty queue")
        process.terminate()
        assert process.wait(60) == 0
