"""The host with IMAP, and what the tests do with it: sessions over ssh, mail, its units and ports."""

from __future__ import annotations

import hashlib
import imaplib
import shlex
import smtplib
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provision.host import layout
from tests.deploys import Run, deploy
from tests.lab.lab import Lab
from tests.lab.machines.machine import Machine
from tests.waiting import wait_until

ALICE, BOB = "alice@example.test", "bob@example.test"
READERS = {ALICE: ["carol"], BOB: ["dave"]}
IMAP = {"imap": True, "readers": READERS}
MAIL = f"{layout.MAIL}/example.test"
_PORTS = "/var/tmp/ports"
# mbsync marks what it brings with a field of its own.
_DIGESTS = r"""
import hashlib, pathlib, re, sys
for path in pathlib.Path(sys.argv[1]).rglob("*"):
    if path.parent.name in ("cur", "new") and path.is_file():
        octets = path.read_bytes().replace(b"\r\n", b"\n")
        print(hashlib.sha256(re.sub(rb"^X-TUID: .*\n", b"", octets, flags=re.M)).hexdigest())
"""
_LISTENING = "ss -Hltn | sed 's/.*:\\([0-9]*\\) .*/\\1/' | sort -un"


@dataclass(frozen=True)
class Place:
    """The lab, and a folder for inventories."""

    lab: Lab
    folder: Path

    def inventory(self, keys: dict[str, object]) -> Path:
        """The lab's inventory, whose host has these keys besides."""
        text, key = self.lab.inventory.read_text(), '"allow_private_address": True,'
        assert text.count(key) == 1
        path = self.folder / "inventory.py"
        path.write_text(text.replace(key, f"{key} **{keys!r},"))
        return path

    def deploy(self, keys: dict[str, object] | None = None, *options: str, script: str = "deploy.py") -> Run:
        inventory = self.inventory(IMAP if keys is None else keys)
        run = deploy(self.lab, *(options or ("-y", "--json")), inventory=inventory, script=script)
        assert run.code == 0, run.stdout + run.stderr
        return run

    def make_users(self) -> None:
        """Users whom the tests' key lets in. None of them is allowed anything by sudo."""
        for user in ("carol", "dave", "erin"):
            self.lab.target.run(
                f"useradd -m -s /bin/bash {user} && install -d -o {user} -m 700 /home/{user}/.ssh && "
                f"install -o {user} -m 600 /root/.ssh/authorized_keys /home/{user}/.ssh/"
            )

    def watch_ports(self) -> None:
        """Note every port that is ever listened to from now on."""
        loop = f"mkdir -p {_PORTS}; cd {_PORTS}; while :; do touch $({_LISTENING}); sleep 0.02; done"
        self.lab.target.run(f"setsid sh -c {shlex.quote(loop)} >/dev/null 2>&1 </dev/null &")

    def ports_seen(self) -> set[int]:
        """The ports that were listened to since `watch_ports`, if only for a moment."""
        return {int(port) for port in self.lab.target.run(f"ls {_PORTS}").stdout.split()}

    def ports(self) -> set[int]:
        return {int(port) for port in self.lab.target.run(_LISTENING).stdout.split()}

    def tunnel(self, *command: str, user: str = "root") -> str:
        """The command line that runs a command on the host over ssh."""
        ssh = ["ssh", "-F", str(self.lab.ssh_config), "-l", user, self.lab.target.name]
        return shlex.join([*ssh, shlex.join(command)])

    @contextmanager
    def session(self, mailbox: str = ALICE, user: str = "root") -> Iterator[imaplib.IMAP4_stream]:
        """A client that has selected INBOX."""
        client = imaplib.IMAP4_stream(self.tunnel("letterbox", "imap", mailbox, user=user))
        try:
            assert client.state == "AUTH"
            client.select()
            yield client
        finally:
            client.logout()

    def units(self) -> list[str]:
        """The units of sessions, those that have failed among them."""
        command = "systemctl list-units --all --plain --no-legend 'letterbox-imap-*'"
        return [line.split()[0] for line in self.lab.target.run(command).stdout.splitlines()]

    def send(self, subjects: Sequence[str], mailbox: str = ALICE) -> list[str]:
        """Send a message for each subject in one session. Returns the subjects that were answered 250."""
        acknowledged = []
        try:
            with smtplib.SMTP(self.lab.target.ipv4, 25, "sender.test", timeout=60) as smtp:
                for subject in subjects:
                    body = hashlib.sha256(subject.encode()).hexdigest() * 20
                    smtp.sendmail(
                        "anna@sender.test", [mailbox], f"Subject: {subject}\r\n\r\n{body}\r\n".encode()
                    )
                    acknowledged.append(subject)
        except (OSError, smtplib.SMTPException):
            pass
        return acknowledged

    def stored(self, mailbox: str = ALICE) -> list[str]:
        """The SHA-256 of each message of a mailbox, its subfolders too, with LF for CRLF."""
        name = mailbox.partition("@")[0]
        return digests(self.lab.target, f"{MAIL}/{name}")

    def empty(self) -> None:
        """Remove all mail."""
        self.lab.target.run(f"rm -rf {MAIL}/* {layout.IMAP_STATE}/*; systemctl restart letterbox")

    def wait_for(self, count: int, mailbox: str = ALICE) -> None:
        wait_until(lambda: len(self.stored(mailbox)) == count, f"{count} messages are stored")


def digests(machine: Machine, folder: str) -> list[str]:
    """The SHA-256 of each message below a folder, with LF for CRLF, sorted."""
    return sorted(machine.run(["python3", "-c", _DIGESTS, folder]).stdout.split())


def said(place: Place, *command: str, user: str = "root") -> subprocess.CompletedProcess[str]:
    """Run a command on the host over ssh. Its standard input is empty."""
    return place.lab.target.run(list(command), check=False, user=user)
