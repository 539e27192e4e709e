"""The next deploy completes one that was killed in the middle of any step, with the same end and no loss.

And two deploys that run at the same time end in what one of the two wants, whole.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.deploys import PYINFRA, ROOT, Run, copy_of_checkout, deploy
from tests.provision.runs.test_deploy import EVERYTHING
from tests.provision.runs.test_generations import greeting, running
from tests.waiting import wait_until

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


BOXES = '["alice", "bob"]'
ALICE = "/var/lib/letterbox/mail/example.test/alice/new"


@pytest.fixture
def laptops(deployed, tmp_path) -> dict[str, tuple[Path, Path]]:
    """Two control machines, with other versions of Letterbox: an inventory and a checkout by mailbox."""
    other = copy_of_checkout(tmp_path / "other")
    addresses = other / "receiver" / "addresses.py"
    addresses.write_text(addresses.read_text() + "\n# another version\n")
    found = {}
    for mailbox, checkout in (("carol", ROOT), ("dave", other)):
        inventory = tmp_path / f"{mailbox}.py"
        inventory.write_text(deployed.inventory.read_text().replace(BOXES, f'{BOXES[:-1]}, "{mailbox}"]'))
        found[mailbox] = (inventory, checkout)
    return found


def at_once(lab, laptops, seconds: float) -> dict[str, Run]:
    """Deploy from both laptops, from the second one this long after the first."""

    def run(mailbox: str) -> Run:
        inventory, checkout = laptops[mailbox]
        time.sleep(seconds if mailbox == "dave" else 0)
        return deploy(lab, "-y", inventory=inventory, checkout=checkout)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(laptops, pool.map(run, laptops), strict=True))


@pytest.mark.parametrize("seconds", [0.0, 0.4] if THOROUGH else [0.2])
@pytest.mark.parametrize("host", ["bare", "deployed"])
def test_two_deploys_at_once_end_in_what_one_of_them_wants(deployed, laptops, host, seconds) -> None:
    if host == "bare":
        assert deploy(deployed, "-y", *GONE, script="destroy.py").code == 0
    else:
        mark = f"at once {time.monotonic_ns()}"
        for number in range(20):
            deployed.world.send(f"Subject: {mark} {number}\r\n\r\nx\r\n".encode(), ["alice@example.test"])
    try:
        runs = at_once(deployed, laptops, seconds)
        unchanged = [
            mailbox
            for mailbox, (inventory, checkout) in laptops.items()
            if deploy(deployed, "--dry", "--json", inventory=inventory, checkout=checkout).changed() == []
        ]
        assert len(unchanged) == 1, {mailbox: run.stderr for mailbox, run in runs.items()}
        for mailbox, run in runs.items():
            crossed = run.code == 1 and "perhaps by another deploy: deploy again" in run.stderr
            assert run.code == 0 or (crossed and mailbox not in unchanged), run.stderr
        assert greeting(deployed)
        for inventory, checkout in laptops.values():
            assert deploy(deployed, "-y", inventory=inventory, checkout=checkout).code == 0
            again = deploy(deployed, "--dry", "--json", inventory=inventory, checkout=checkout)
            assert again.changed() == []
        if host == "deployed":
            stored = f"grep -rl '{mark}' {ALICE} | wc -l"
            wait_until(lambda: deployed.target.run(stored).stdout == "20\n", deployed.world.queue)
    finally:
        assert deploy(deployed, "-y").code == 0
