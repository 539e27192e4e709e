"""`make test`: each test is in one stream, and the end of the output has every failure of every stream."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from tests.deploys import ROOT
from tests.streams import STREAMS, Stream, run
from tests.waiting import wait_until

INI = "[pytest]\nmarkers =\n  lab: x\n  own_lab: x\n  room(name): x\n"
FAILS = """
def test_bad():
    print("FAILED tests/test_other.py::test_no - a program said it")
    assert 1 == 2
"""
BREAKS = """
import pytest
@pytest.fixture
def machine(): raise OSError("no such machine")
def test_late(machine): pass
"""
DIES = "def test_dead():\n    import os\n    os.kill(os.getpid(), 9)\n"
WAITS = """
import time
from pathlib import Path
def test_long():
    try:
        Path("begun").touch()
        time.sleep(600)
    finally:
        Path("cleaned up").touch()
"""


def stream(folder: Path, name: str, module: str) -> Stream:
    """A stream whose tests are this module's."""
    (folder / "pytest.ini").write_text(INI)
    (folder / f"test_{name}.py").write_text(
        f"import pytest\npytestmark = pytest.mark.room(name={name!r})\n{module}"
    )
    return Stream(f"the {name} one", f"room(name={name!r})")


def shown(capfd: pytest.CaptureFixture[str], folder: Path, *streams: Stream) -> tuple[int, str, list[str]]:
    """The exit code, what was printed before the summary, and the lines of the summary."""
    code = run(["-p", "no:cacheprovider"], streams, folder=folder)
    before, _, summary = capfd.readouterr().out.partition("######## Summary ")
    return code, before, summary.splitlines()[1:]


def test_each_test_is_in_one_stream(tmp_path: Path) -> None:
    kinds = [*product((False, True), (False, True), ("tls", "receiver", "dns"))]
    lines = ["import pytest"]
    for number, (lab, own_lab, room) in enumerate(kinds):
        if own_lab and not lab:
            continue
        lines += ["@pytest.mark.lab"] * lab + ["@pytest.mark.own_lab"] * own_lab
        lines += [f"@pytest.mark.room(name={room!r})", f"def test_{number}(): pass"]
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "test_any.py").write_text("\n".join(lines))
    found: Counter[str] = Counter()
    for each in STREAMS:
        command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-m", each.marks]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        found.update(line for line in done.stdout.splitlines() if "::" in line)
    assert len(found) == 9
    assert set(found.values()) == {1}


def test_the_end_has_how_each_stream_ended_and_each_failure_with_its_reason(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, before, summary = shown(
        capfd,
        tmp_path,
        stream(tmp_path, "good", "def test_good(): pass"),
        stream(tmp_path, "bad", FAILS),
        stream(tmp_path, "broken", BREAKS),
    )
    assert code == 1
    heads = {line.split(": ")[0]: line for line in summary if not line.startswith(" ")}
    assert sorted(heads) == ["the bad one", "the broken one", "the good one"]
    assert "1 passed" in heads["the good one"] and "exit code" not in heads["the good one"]
    assert heads["the bad one"].endswith(", exit code 1")
    assert sorted(line.split(" - ")[0] for line in summary if line.startswith("  ")) == [
        "  ERROR test_broken.py::test_late",
        "  FAILED test_bad.py::test_bad",
    ]
    assert "  FAILED test_bad.py::test_bad - assert 1 == 2" in summary
    for name in heads:
        (output,) = [each for each in before.split("\n######## ") if each.startswith(name)]
        assert "test session starts" in output


def test_a_module_that_cannot_be_read_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, summary = shown(capfd, tmp_path, stream(tmp_path, "odd", "import no_such_module"))
    assert code == pytest.ExitCode.INTERRUPTED
    assert any(line.startswith("  ERROR test_odd.py") for line in summary)


def test_a_run_that_dies_has_failed_and_so_has_all(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, summary = shown(
        capfd,
        tmp_path,
        stream(tmp_path, "good", "def test_good(): pass"),
        stream(tmp_path, "dead", DIES),
    )
    assert code == -9
    assert "the dead one: no end of pytest's, exit code -9" in summary


def test_streams_without_a_selected_test_fail_only_if_all_are(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    nothing = Stream("nothing", "room(name='nowhere')")
    good = stream(tmp_path, "good", "def test_good(): pass")
    assert shown(capfd, tmp_path, nothing, good)[0] == 0
    assert shown(capfd, tmp_path, nothing)[0] == pytest.ExitCode.NO_TESTS_COLLECTED


def test_ctrl_c_ends_all_of_them_and_each_cleans_up(tmp_path: Path) -> None:
    streams = stream(tmp_path, "long", WAITS), stream(tmp_path, "later", "def test_good(): pass")
    text = (
        f"import sys; from tests import streams; streams.AT_ONCE = 1; sys.exit(streams.run([], {streams!r}))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", text.replace("Stream(", "streams.Stream(")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        wait_until((tmp_path / "begun").exists, "the first stream is at its test")
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert (tmp_path / "cleaned up").exists()
    assert "KeyboardInterrupt" in said.partition("######## Summary")[0]
    assert "the later one" not in said
