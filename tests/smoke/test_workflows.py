"""The workflows that users copy: pinned actions, shell that is right, and what is promised."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.deploys import ROOT
from tests.lab.lab import Lab

SMOKE, FEDORA = ROOT / "docs" / "smoke-workflow.yml", ROOT / "docs" / "fedora-workflow.yml"
BOTH = pytest.mark.parametrize("workflow", [SMOKE, FEDORA], ids=lambda path: path.stem)
ON_THE_LAB = "(also on the lab)"


def steps(workflow: Path) -> dict[str, str]:
    """The shell of each named step that has one, by the step's name."""
    found = {}
    for step in re.split(r"^      - ", workflow.read_text(), flags=re.M)[1:]:
        name = re.match(r"name: (.+)\n", step)
        block = re.search(r"^        run: \|\n((?:          .*\n|\n)+)", step, re.M)
        line = re.search(r"^        run: (?!\|)(.+)$", step, re.M)
        if name and (block or line):
            found[name[1]] = textwrap.dedent(block[1]) if block else line[1] if line else ""
    return found


@BOTH
def test_every_action_is_pinned_to_a_commit_and_says_its_version(workflow: Path) -> None:
    used = re.findall(r"uses: (.+)", workflow.read_text())
    assert len(used) >= 3
    for action in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action), action


@BOTH
def test_it_runs_on_a_hosted_runner_and_may_only_read(workflow: Path) -> None:
    text = workflow.read_text()
    assert re.findall(r"runs-on: (.+)", text) == ["ubuntu-24.04"]
    assert re.search(r"^permissions:\n  contents: read\n\n", text, re.M)
    assert "timeout-minutes:" in text


@BOTH
def test_its_shell_is_shell_and_takes_no_input_as_code(workflow: Path) -> None:
    found = steps(workflow)
    assert len(found) >= 4
    for name, script in found.items():
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        assert "${{" not in script, f"{name}: what GitHub pastes into shell can be anything"


def test_the_smoke_workflow_looks_through_ssh() -> None:
    """Its own lines, with a pytest that prints what it is given."""
    script = steps(SMOKE)["Smoke tests"].replace(".venv/bin/pytest", "echo")
    for given, wanted in (("", ["inventory"]), ("mx2 other", ["mx2", "other"])):
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=ROOT,
            env={**os.environ, "INVENTORY": "inventory.py", "SMOKE_FROM": given},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        words = done.stdout.split()
        assert [words[at + 1] for at, word in enumerate(words) if word == "--from"] == wanted


def test_the_fedora_workflow_does_all_that_it_promises() -> None:
    names = " ".join(steps(FEDORA))
    for part in ("Deploy", "Deploy again", "Reboot", "SELinux", "Take everything off"):
        assert part in names
    text = FEDORA.read_text()
    assert "ausearch --input-logs -m avc" in text
    assert "grep -qx Enforcing" in text
    assert "sha256sum --check" in text


@pytest.mark.lab
@pytest.mark.skipif(os.environ.get("LETTERBOX_THOROUGH") != "1", reason="make thorough")
def test_the_fedora_workflows_steps_run_on_the_lab(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Those that need no Fedora, as they stand, in their order."""
    if request.config.getoption("--inventory") is not None:
        pytest.skip("this is about the workflow, and not about a host")
    lab: Lab = request.getfixturevalue("fresh_lab")
    found = {name: script for name, script in steps(FEDORA).items() if name.endswith(ON_THE_LAB)}
    assert len(found) >= 5
    for name, script in found.items():
        on_the_lab = script.replace('ssh "$HOST"', f'ssh -F "{lab.ssh_config}" "$HOST"')
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", on_the_lab],
            cwd=ROOT,
            env={
                **os.environ,
                **lab.environment,
                "INVENTORY": str(lab.inventory),
                "HOST": "target",
                "RUNNER_TEMP": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{name}:\n{done.stdout}{done.stderr}"
