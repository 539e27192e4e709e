"""What the tests with two hosts share: their zones, their state, and deploys that must be refused."""

from __future__ import annotations

from pathlib import Path

from dns.cloudflare.zones import Zones
from dns.plan import Plan
from dns.records import ZoneRecord
from tests.deploys import Run, deploy
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
