"""`make lab-play`: commands that work on the lab, whose settings end with them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploys import ROOT
from tests.lab.lab import Lab


def lab_command(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.lab", "--folder", str(folder), *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_command_has_the_settings_of_the_lab_whatever_the_shell_has(lab: Lab) -> None:
    shown = 'echo "$CLOUDFLARE_BASE_URL|$INVENTORY|$(command -v pyinfra)"'
    real = {
        "CLOUDFLARE_API_TOKEN": "real",
        "CLOUDFLARE_BASE_URL": "https://api.example.com",
        "INVENTORY": "mine",
    }
    done = lab_command(lab.folder, "play", "--", "sh", "-c", shown, **real)
    url, inventory, pyinfra = done.stdout.strip().split("|")
    assert url == lab.environment["CLOUDFLARE_BASE_URL"]
    assert inventory == str(lab.inventory)
    assert pyinfra == str(Path(sys.executable).with_name("pyinfra"))


def test_a_shell_says_what_to_do_in_it_and_keeps_its_exit_code(lab: Lab) -> None:
    done = lab_command(lab.folder, "play", SHELL="/bin/false")
    assert done.returncode == 1
    assert 'pyinfra "$INVENTORY" deploy.py' in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


@pytest.mark.parametrize("words", [("play",), ("mail",), ("shell",)], ids=lambda words: words[0])
def test_without_a_lab_the_command_that_starts_it_is_named(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = lab_command(tmp_path / ".lab", *words)
    assert (done.returncode, "make lab-up" in done.stderr) == (1, True), done.stderr
