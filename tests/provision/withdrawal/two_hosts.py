"""What the tests with two hosts share: their zones, their state, and deploys that must be refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from dns.cloudflare.zones import Zones
from dns.plan import Change, Plan
from dns.records import ZoneRecord
from dns.until import Until, at, until_of
from tests.deploys import ROOT, Run, deploy
from tests.lab.lab import Lab

EXAMPLE, SECOND = "example.test", "second.test"
LOOK = """
cd / && find etc/letterbox opt/letterbox etc/systemd usr/local var/lib/letterbox -printf '%p %T@ %s\\n' |
  grep -v /mail/ | sort
sha256sum /etc/letterbox/letterbox.toml
systemctl show -p MainPID -p ActiveState -p ActiveEnterTimestamp letterbox.service letterbox.socket
getent passwd letterbox; firewall-cmd --list-all-zones
"""


def zones(lab: Lab) -> Zones:
    return Zones(lab.environment)


def records(lab: Lab) -> dict[str, tuple[ZoneRecord, ...]]:
    both = zones(lab)
    return {name: both.records(both.holding(name)) for name in (EXAMPLE, SECOND)}


def delete_mx(lab: Lab, domain: str) -> None:
    """As a user does by hand, in the dashboard."""
    both = zones(lab)
    mx = tuple(held for held in records(lab)[domain] if held.record.type == "MX")
    assert both.change(both.holding(domain), Plan((), deletes=mx)).confirmed


def time_passes(lab: Lab) -> None:
    """What stays in the zones for a time has stayed long enough: the times in them are over."""
    both, over = zones(lab), Until(datetime(2026, 1, 1, tzinfo=UTC))
    for name, found in records(lab).items():
        changes = []
        for held in found:
            until = until_of(held.record)
            if until is not None and until.time is not None:
                changes.append(Change(held, at(held.record, over)))
        if changes:
            assert both.change(both.holding(name), Plan((), patches=tuple(changes))).confirmed
    lab.world.forget()


def sync(
    lab: Lab,
    domain: str,
    *options: str,
    inventory: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Run:
    """`python -m dns.sync`, as a user runs it. `environment` is added to that of the lab."""
    done = subprocess.run(
        [sys.executable, "-m", "dns.sync", domain, "--inventory", inventory or lab.inventory, *options],
        cwd=ROOT,
        env={**os.environ, **lab.environment, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr)


def state(lab: Lab) -> tuple[object, ...]:
    """Everything that a deploy may change, on the hosts and in the stand-in's zones."""
    return *(target.run(LOOK).stdout for target in lab.targets), records(lab)


def changed(lab: Lab, folder: Path, old: str, new: str) -> Path:
    """The lab's inventory with `new` in place of the first `old`."""
    text = lab.inventory.read_text()
    assert old in text
    inventory = folder / "inventory.py"
    inventory.write_text(text.replace(old, new, 1))
    return inventory


def refused(lab: Lab, inventory: Path, *options: str, script: str = "deploy.py") -> str:
    """What a real run says. It and a dry run must fail and change nothing."""
    before = state(lab)
    said = []
    for how in ("--dry", "-y"):
        run = deploy(lab, how, *options, inventory=inventory, script=script)
        assert run.code == 1, run.stderr
        assert "Traceback" not in run.stderr
        assert "Starting operation" not in run.stderr
        said.append(
            "".join(
                line
                for line in run.stderr.splitlines()
                if "Nothing was changed" in line or "nothing was changed" in line
            )
        )
        assert said[-1], run.stderr
    assert state(lab) == before
    return said[-1]


def done(run: Run) -> Run:
    assert run.code == 0, run.stderr
    return run


def replies(lab: Lab, recipient: str) -> str:
    """What the first host says to RCPT."""
    ask = (
        "import smtplib; s = smtplib.SMTP('127.0.0.1', 25, timeout=30); s.ehlo(); s.mail('a@sender.test'); "
        f"print(s.rcpt('{recipient}')[0])"
    )
    return lab.target.run(["python3", "-c", ask]).stdout.strip()
