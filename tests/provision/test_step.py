"""The frame of every step, in real runs of pyinfra against its `@fake` hosts, which answer the probe."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision.host.probe import MARK
from tests.deploys import PYINFRA, ROOT, Run

ANSWER = (
    f"{MARK} uid\n0\n{MARK} os\nID=fedora\n{MARK} machine\nx86_64\n{MARK} python\n3.14\n{MARK} firewalld\n"
    "installed\t\nactive\tinactive\nenabled\tnot-found"
)
HEAD = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from pyinfra import context
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError
from provision.desired.state import desired
from provision.run.inventory import inventory
from provision.run.step import Decision, observe, step

def first():
    return context.host.name == "@fake/mx1"
"""


@pytest.fixture
def steps(tmp_path: Path):
    """Run a deploy of these lines on two hosts that answer the probe with this."""

    def run(script: str, *options: str, answer: str = ANSWER) -> Run:
        hosts = [
            (
                f"@fake/mx{n}",
                {
                    "hostname": f"mx{n}.example.com",
                    "public_ipv4": f"198.18.0.{n}",
                    "allow_private_address": True,
                    "fake_responses": {MARK: answer},
                    "fake_delay": 0,
                    "fake_delay_jitter": 0,
                },
            )
            for n in (1, 2)
        ]
        domains = {"example.com": {"mailboxes": ["alice"], "aliases": {"postmaster": ["alice"]}}}
        (tmp_path / "inventory.py").write_text(f"mail_hosts = ({hosts!r}, {{'domains': {domains!r}}})\n")
        (tmp_path / "steps.py").write_text(HEAD + script)
        done = subprocess.run(
            [PYINFRA, *(options or ["-y"]), "inventory.py", "steps.py"],
            cwd=tmp_path,
            env={**os.environ, "PYINFRA_PROGRESS": "off"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    return run


IDLE = """
@step
def idle():
    return Decision((), "the moon is as it should be")
idle(name="Idle")
"""


def test_a_step_with_nothing_to_do_says_why_and_changes_nothing(steps) -> None:
    run = steps(IDLE, "-y", "--json")
    assert (run.code, run.changed()) == (0, []), run.stderr
    assert "the moon is as it should be" in steps(IDLE, "-y", "-v").stderr


LOOKS = """
@step
def change():
    observe()
    return Decision([StringCommand("true")] if first() else [], "nothing")
@step
def look():
    return Decision([StringCommand("true", observe().machine)] if context.state.is_executing else [], "same")
change(name="Change")
look(name="Look")
"""


def test_a_host_is_looked_at_again_only_after_a_step_has_changed_it(steps) -> None:
    run = steps(LOOKS, "-y", "--debug")
    assert run.code == 0, run.stderr
    probes = [line for line in (run.stdout + run.stderr).splitlines() if f"{MARK} uid" in line]
    by_host = [sum(f"@fake/mx{n}" in line for line in probes) for n in (1, 2)]
    assert by_host[0] == by_host[1] + 1, probes


REFUSED = """
@step
def refuse():
    raise DeployError("the moon is missing")
@step
def change():
    return Decision([StringCommand("true")])
change(name="Change")
refuse(name="Refuse")
"""


def test_a_refusal_while_the_run_looks_for_changes_stops_it(steps) -> None:
    run = steps(REFUSED, "--dry")
    assert run.code == 1
    assert "the moon is missing" in run.stderr
    assert "Traceback" not in run.stderr
    assert "Starting operation" not in run.stderr


FAILS_LATER = """
@step
def fail():
    if context.state.is_executing and first():
        raise DeployError("the moon has gone")
    return Decision([StringCommand("true")])
@step
def change():
    return Decision([StringCommand("true")])
fail(name="Fail")
change(name="Change")
"""


def test_a_refusal_in_the_middle_of_a_run_fails_that_host_alone(steps) -> None:
    run = steps(FAILS_LATER)
    assert run.code == 1
    assert "the moon has gone" in run.stderr
    assert "Traceback" not in run.stderr
    assert "[@fake/mx2] Success" in run.stderr.partition("Starting operation: Change")[2]
    assert "[@fake/mx1]" not in run.stderr.partition("Starting operation: Change")[2].partition("-->")[0]


ONCE = """
known = []
@step
def remember():
    known.append((inventory(), desired()))
    return Decision([StringCommand("true")], "nothing")
for number in range(3):
    remember(name=f"Remember {number}")
import atexit
@atexit.register
def say():
    print(len(known), *({id(value) for value in values} for values in zip(*known)))
"""


def test_the_inventory_and_what_a_host_should_be_are_worked_out_once_a_run(steps) -> None:
    run = steps(ONCE)
    assert run.code == 0, run.stderr
    # pyinfra runs the script once for each host.
    (first, second) = (line.replace("{", "").replace("}", "").split() for line in run.stdout.splitlines())
    assert (len(first), first[0]) == (len(second), second[0]) == (3, "3"), "one inventory and state a host"
    assert first[1] == second[1], "one inventory for all hosts"
    assert first[2] != second[2]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("motd", "in place of an answer the host printed 'motd'"),
        (f"{MARK} uid\nnobody", "the answer of the host cannot be read"),
    ],
)
def test_an_answer_that_is_not_the_probes_is_named(steps, answer: str, said: str) -> None:
    run = steps(LOOKS, answer=answer)
    assert run.code == 1
    assert said in run.stderr
    assert "Success" not in run.stderr


def test_a_failed_step_says_that_it_failed_and_counts_no_commands(steps, tmp_path: Path) -> None:
    use = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from provision.run import words; words.use()"
    (tmp_path / "config.py").write_text(use)
    run = steps(FAILS_LATER)
    assert run.code == 1
    assert "executed" not in run.stderr
    assert "Error: this step failed, and the lines above say why" in run.stderr
