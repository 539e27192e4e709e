"""What the doctor, the deploy, end_state and smoke make of a break, as measured on the lab."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.deploys import ROOT, deploy
from tests.first_mail.breaking import Break
from tests.lab.lab import Lab
from tests.lab.machines.machine import DEADLINE

# A fix that begins with one of these is a command for the host. It may have a comment behind it.
_COMMANDS = (
    "chmod",
    "chown",
    "firewall-cmd",
    "firewall-offline-cmd",
    "install",
    "kill",
    "mount",
    "mv",
    "nft",
    "rm",
    "systemctl",
)
_DEPLOY = "pyinfra inventory.py deploy.py"
_SYNC = "python -m dns.sync"


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen of one break. None: not tried, because there was nothing to try."""

    what: str
    link: str
    named: list[str]
    """The links that do not hold, as the doctor says."""
    fix: str
    fix_helps: bool | None
    """Whether the doctor is silent after its fix was followed. None if the fix is not a command."""
    dry: list[str]
    """The steps that `--dry` lists."""
    deploy_mends: bool | None
    """Whether the doctor is silent after one more deploy. None if `--dry` lists nothing."""
    end_state: str
    """The first test that fails; empty if none does."""
    smoke: str | None
    """The same of smoke. None if end_state has failed, because then it was not tried."""

    @property
    def is_exact(self) -> bool:
        return self.named == [self.link]


def examine(lab: Lab) -> list[dict[str, Any]]:
    """The links that do not hold, as `python -m first_mail.doctor --json` prints them."""
    return [link for link in _doctor(lab) if link["holds"] is not True]


def _doctor(lab: Lab) -> list[dict[str, Any]]:
    arguments = [str(lab.inventory), "--json", "--reference", "mail.sender.test", "--seconds", "12"]
    done = _run(lab, "-m", "first_mail.doctor", *arguments)
    links = [json.loads(line) for line in done.stdout.splitlines()]
    assert links, done.stderr
    return links


def _run(lab: Lab, *arguments: str) -> subprocess.CompletedProcess[str]:
    lab.world.forget()  # what a fix has changed in the DNS
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **lab.environment},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def follow(lab: Lab, fix: str) -> bool:
    """Do what the fix says, on the host and on this machine. False if it is not a command."""
    on_the_host, asks_to_deploy, _ = fix.partition(_DEPLOY)
    on_the_host = re.sub(
        r"(&&|; then on the control machine:|; if it stays so:)\s*$", "", on_the_host.strip()
    )
    if fix.startswith(_SYNC):
        words = fix.removeprefix(_SYNC).partition(" (")[0].split()  # what follows is another way
        _run(lab, "-m", "dns.sync", *words, "--inventory", str(lab.inventory))
        return True
    if on_the_host:
        if on_the_host.split()[0] not in _COMMANDS:
            return False
        lab.target.run(on_the_host, check=False)
    if asks_to_deploy and "if it stays so" not in fix:
        deploy(lab, "-y")
    return True


def measure(lab: Lab, one: Break) -> Measured:
    """Break it twice: to follow the fix, and to deploy once more. It is put back in any case."""
    deploy_mends = fix_helps = None
    with one.make(lab):
        links = examine(lab)
        with ThreadPoolExecutor(2) as pool:
            planning = pool.submit(deploy, lab, "--dry", "--json")
            end_state = failing(lab, "end_state")
        planned = planning.result()
        dry = planned.changed() if planned.stdout.startswith("{") else []
        smoke = None if end_state else failing(lab, "smoke")
        fix = links[-1]["fix"] or "" if links else ""
        if fix and follow(lab, fix):
            fix_helps = not examine(lab)
    if dry:
        if fix_helps and fix == _DEPLOY:
            deploy_mends = True
        else:
            with one.make(lab):
                deploy(lab, "-y")
                deploy_mends = not examine(lab) and deploy(lab, "--dry", "--json").changed() == []
    named = [link["link"] for link in links]
    return Measured(one.what, one.link, named, fix, fix_helps, dry, deploy_mends, end_state, smoke)


def failing(lab: Lab, room: str) -> str:
    """The first test of tests/end_state or tests/smoke that fails, by its name."""
    options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", "--inventory", str(lab.inventory)]
    done = _run(lab, "-m", "pytest", f"tests/{room}", *options)
    found = re.search(r"^(?:FAILED|ERROR) \S+?::(\w+)", done.stdout, re.M)
    return found[1] if found else ""


def write(results: Path, measured: Measured) -> None:
    """Add a row to the results, one JSON object a line."""
    with results.open("a") as file:
        file.write(json.dumps(asdict(measured)) + "\n")
