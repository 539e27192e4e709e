"""The next deploy completes one that was killed in the middle of any step, with the same end and no loss."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time

import pytest

from tests.deploys import PYINFRA, ROOT, deploy
from tests.provision.runs.test_deploy import EVERYTHING
from tests.provision.runs.test_generations import greeting, running

# `make thorough` kills a deploy in every step. A run of all tests kills it in these only, to be done in time.
THOROUGH = os.environ.get("LETTERBOX_THOROUGH") == "1"
STEPS = EVERYTHING if THOROUGH else ["Packages", "Release, unpacked", "Service"]
NEW_GENERATION_STEPS = ["Configuration", "Release, current", "Service"] if THOROUGH else ["Service"]

GONE = ("--data", "remove_mail=mx1.example.test")


def interrupt(lab, step: str, seconds: float) -> None:
    """Start a deploy and kill it, with its connection, this long after the step began."""
    with subprocess.Popen(
        [PYINFRA, "-y", lab.inventory, "deploy.py"],
        cwd=ROOT,
        env={**os.environ, **lab.environment, "PYINFRA_PROGRESS": "off"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr
            for line in process.stderr:
                if line.strip() == f"--> Starting operation: {step}":
                    break
            else:
                pytest.fail(f"{step} never began")
            time.sleep(seconds)
        finally:
            process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("step", STEPS)
def test_a_first_deploy_killed_in_a_step_is_completed_by_the_next(deployed, step) -> None:
    wanted = running(deployed)
    assert deploy(deployed, "-y", *GONE, script="destroy.py").code == 0
    seconds = random.uniform(0, 0.4)
    interrupt(deployed, step, seconds)
    run = deploy(deployed, "-y")
    assert run.code == 0, f"killed {seconds:.3f} s into {step}:\n{run.stderr}"
    assert running(deployed) == wanted
    assert greeting(deployed)
    again = deploy(deployed, "-y", "--json")
    assert (again.code, again.changed()) == (0, []), f"killed {seconds:.3f} s into {step}"


@pytest.mark.parametrize("step", NEW_GENERATION_STEPS)
def test_a_new_generation_killed_in_a_step_runs_after_the_next(deployed, tmp_path, step) -> None:
    """The classic defect: the new files are in place, the restart was lost, and nobody ever notices."""
    inventory = tmp_path / "inventory.py"
    inventory.write_text(
        deployed.inventory.read_text().replace('["alice", "bob"]', '["alice", "bob", "erin"]')
    )
    before = running(deployed)
    interrupt_with = deployed.inventory.read_text()
    deployed.inventory.write_text(inventory.read_text())
    try:
        interrupt(deployed, step, random.uniform(0, 0.3))
        assert deploy(deployed, "-y").code == 0
        assert running(deployed) != before
        assert deploy(deployed, "-y", "--json").changed() == []
    finally:
        deployed.inventory.write_text(interrupt_with)
        assert deploy(deployed, "-y").code == 0
    assert running(deployed) == before
