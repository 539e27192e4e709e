"""Whole runs of the smoke tests on the lab: through ssh, with a key that can do little, and failing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploys import ROOT
from tests.first_mail.breaking import filtered_on_the_way
from tests.lab.lab import Lab

PROBE = Path(__file__).with_name("letterbox-smoke.sh")
PYTEST = [sys.executable, "-m", "pytest", "tests/smoke", "-p", "no:cacheprovider"]
THOROUGH = os.environ.get("LETTERBOX_THOROUGH") == "1"
# Seconds on a service that says nothing. As docs/first-mail.md has it where nothing else runs. Beside other
# tests pytest alone takes long to start. A run in which each test waits by itself would take minutes.
LONGEST = 45 if THOROUGH else 120
LONG = pytest.mark.skipif(not THOROUGH, reason="make thorough")
KEYS = "/root/.ssh/authorized_keys"


@pytest.fixture
def lab_alone(request: pytest.FixtureRequest) -> Lab:
    """The deployed lab. These tests run the smoke tests on it, so they are none that a real host can have."""
    if request.config.getoption("--inventory") is not None:
        pytest.skip("this is about the smoke tests themselves")
    lab: Lab = request.getfixturevalue("deployed")
    return lab


@dataclass(frozen=True)
class SmokeRun:
    """A run: how many passed, which failed, all that it printed, and how long it took."""

    passed: int
    failures: list[str]
    output: str
    seconds: float


def smoke(lab: Lab, *options: str, inventory: Path | None = None) -> SmokeRun:
    """Run the smoke tests on this lab, as a user runs them on a real host."""
    began = time.monotonic()
    done = subprocess.run(
        [*PYTEST, "-q", "--tb=line", "--inventory", str(inventory or lab.inventory), *options],
        cwd=ROOT,
        env={**os.environ, **lab.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    failures = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    assert passed, done.stdout + done.stderr
    return SmokeRun(int(passed[1]), failures, done.stdout, time.monotonic() - began)


def test_where_port_25_is_closed_all_of_them_run_through_another_machine(lab_alone: Lab) -> None:
    with filtered_on_the_way(lab_alone, "-4", "-6"):
        through = smoke(lab_alone, "--from", "world")
        alone = smoke(lab_alone)
    assert through.failures == []
    assert through.passed >= 35
    assert len(alone.failures) == 1, alone.failures
    assert "this machine reaches nobody's port 25" in alone.output
    assert "--from HOST" in alone.output
    assert alone.seconds < LONGEST
    assert alone.passed < through.passed


def test_a_silent_service_ends_the_run_in_time_with_one_reason(lab_alone: Lab) -> None:
    lab_alone.target.run("systemctl kill -s STOP letterbox.service")
    try:
        for options in ((), ("--from", "world")) if THOROUGH else ((),):
            run = smoke(lab_alone, *options)
            assert len(run.failures) == 1, run.failures
            assert "port 25 accepts connections, and does not greet" in run.output
            assert run.seconds < LONGEST
    finally:
        lab_alone.target.run("systemctl kill -s CONT letterbox.service")


@LONG
def test_a_refused_connection_is_one_reason_too(lab_alone: Lab) -> None:
    lab_alone.target.run("systemctl stop letterbox.socket letterbox.service")
    try:
        run = smoke(lab_alone, "--from", "world")
    finally:
        lab_alone.target.run("systemctl start letterbox.socket letterbox.service")
    assert len(run.failures) == 1, run.failures
    assert "does not answer world (refused" in run.output


@pytest.fixture
def narrow(lab_alone: Lab, tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """An inventory with a key that docs/first-mail.md lets do little, and the ssh command with that key."""
    lab, key = lab_alone, tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (line,) = re.findall(r"^restrict,.* ssh-ed25519 .*$", (ROOT / "docs/first-mail.md").read_text(), re.M)
    for name, value in {
        "203.0.113.25": lab.target.ipv4,
        "2001:db8::25": lab.target.ipv6,
        "1.1.1.1": lab.environment["LETTERBOX_RESOLVER"],
    }.items():
        assert name in line
        line = line.replace(name, value)
    line = line[: line.index("ssh-ed25519")] + key.with_suffix(".pub").read_text()
    lab.target.write("/usr/local/sbin/letterbox-smoke", PROBE.read_text())
    lab.target.run(f"chmod 755 /usr/local/sbin/letterbox-smoke && cp -a {KEYS} {KEYS}.kept")
    lab.target.run(f"cat >> {KEYS}", input=line)
    config = tmp_path / "ssh_config"
    # The lab keeps one connection open for all. It was made with another key.
    lines = lab.ssh_config.read_text().replace(str(lab.key), str(key)).splitlines()
    config.write_text("\n".join(line for line in lines if "Control" not in line) + "\n")
    inventory = tmp_path / "inventory.py"
    text = lab.inventory.read_text().replace(str(lab.key), str(key))
    inventory.write_text(text.replace(str(lab.ssh_config), str(config)))
    try:
        yield inventory, ["ssh", "-F", str(config), "-i", str(key), "-o", "LogLevel=INFO"]
    finally:
        lab.target.run(f"mv {KEYS}.kept {KEYS}; rm /usr/local/sbin/letterbox-smoke")


def test_a_key_that_may_do_little_is_enough_for_all_of_them(
    lab_alone: Lab, narrow: tuple[Path, list[str]]
) -> None:
    inventory, _ = narrow
    run = smoke(lab_alone, "--from", "mx1.example.test", inventory=inventory)
    assert run.failures == []
    assert run.passed >= 35


def test_that_key_reads_no_mail_runs_no_command_and_reaches_no_other_port(
    lab_alone: Lab, narrow: tuple[Path, list[str]]
) -> None:
    _, ssh = narrow
    lab_alone.world.send(b"Subject: private\r\n\r\nsecret\r\n", ["alice@example.test"])

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*ssh, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )

    for asked in (
        "id",
        "cat /etc/shadow",
        "probe example.test alice " + "0" * 32 + "; id",
        "probe example.test ../../../../etc " + "0" * 32,
        "probe example.test .proof " + "0" * 32,
        "probe example.test $(id) " + "0" * 32,
        "probe example.test alice *",
        "probe example.test alice secret",
    ):
        done = run("target", asked)
        assert (done.returncode, done.stdout) == (2, ""), asked
    done = run("target", "probe example.test alice " + "0" * 32)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Maildir" in run("target", "doctor").stdout
    for place in (f"{lab_alone.target.ipv4}:22", "127.0.0.1:22", f"{lab_alone.world.ipv4}:25"):
        assert "prohibited" in run("-W", place, "target").stderr, place


def test_what_a_host_cannot_see_of_itself_is_said(lab_alone: Lab) -> None:
    done = subprocess.run(
        [*PYTEST, "--collect-only", "--inventory", str(lab_alone.inventory), "--from", "mx1.example.test"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "mx1.example.test looks at itself" in done.stdout
    assert done.stdout.count("looks at itself") == 1
