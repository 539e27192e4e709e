"""The two hosts and their bucket: inventories, deploys, and mail by a plain SMTP client."""

from __future__ import annotations

import re
import smtplib
from dataclasses import dataclass
from pathlib import Path

from provision.host import layout
from tests.bucket.seaweed import Engine
from tests.deploys import Run, deploy
from tests.lab.lab import Lab
from tests.lab.machines.machine import Machine
from tests.waiting import wait_until

ALICE = "alice@example.test"
_BOX = f"{layout.MAIL}/example.test/alice"


@dataclass(frozen=True)
class Place:
    """The lab, the store, and a folder for inventories."""

    lab: Lab
    engine: Engine
    folder: Path

    def inventory(self, store: dict[str, object] | None) -> Path:
        """The lab's inventory with this store."""
        text, key = self.lab.inventory.read_text(), '"domains": {'
        assert text.count(key) == 1
        path = self.folder / "inventory.py"
        path.write_text(text.replace(key, f'"store": {store!r}, {key}' if store else key))
        return path

    def store(self, **changed: object) -> dict[str, object]:
        return {"bucket": self.engine.url, "promise": "bucket", "allow_http": True, **changed}

    def deploy(self, store: dict[str, object] | None, *options: str, script: str = "deploy.py") -> Run:
        """Whatever is said, the key pair is not in it."""
        pair = {"AWS_ACCESS_KEY_ID": self.engine.key, "AWS_SECRET_ACCESS_KEY": self.engine.secret}
        run = deploy(
            self.lab,
            *(options or ("-y", "--json")),
            inventory=self.inventory(store),
            script=script,
            environment=pair,
        )
        for secret in pair.values():
            assert secret not in run.stdout + run.stderr
        return run

    def changes(self, store: dict[str, object] | None) -> list[str]:
        run = self.deploy(store)
        assert run.code == 0, run.stderr
        return run.changed_now()


def said(run: Run) -> str:
    """What a run said, without the line ends that its columns have made."""
    return re.sub(r"\s+", " ", run.stderr)


def send(machine: Machine, subject: str) -> int:
    """Send alice a message through this host. Returns the code of the last reply."""
    head = f"From: <a@sender.test>\r\nTo: <{ALICE}>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n"
    with smtplib.SMTP(machine.ipv4, timeout=40) as client:
        client.ehlo("mail.sender.test")
        client.mail("a@sender.test")
        client.rcpt(ALICE)
        return client.data(f"{head}\r\nHi\r\n")[0]


def copies(machine: Machine, subject: str) -> int:
    """How many files with this message are in alice's mailbox on this host."""
    found = machine.run(f"grep -lr 'Subject: {subject}' {_BOX}/new {_BOX}/cur 2>/dev/null", check=False)
    return len(found.stdout.split())


def arrives(machine: Machine, subject: str) -> None:
    """Wait until the host has the message, once."""
    wait_until(lambda: copies(machine, subject), f"{subject!r} is on {machine.name}")
    assert copies(machine, subject) == 1


def exposure(machine: Machine, unit: str) -> float:
    out = machine.run(f"systemd-analyze security --no-pager {unit}").stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", out)
    assert found, out
    return float(found[1])
