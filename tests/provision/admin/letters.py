"""Messages to a deployed host: what is stored of them, and what the host says about them."""

from __future__ import annotations

import json

from tests.lab.lab import Lab
from tests.waiting import wait_until

MAIL = "/var/lib/letterbox/mail/example.test/alice/new"


def arrived(lab: Lab, subject: str) -> str:
    """Wait until the message is stored. Returns its file."""
    wanted = f"grep -lrx -- 'Subject: {subject}\r' {MAIL}"

    path = wait_until(lambda: lab.target.run(wanted, check=False).stdout.strip(), f"{subject!r} is stored")
    return lab.target.read(path).decode()


def logged(lab: Lab, identity: str) -> dict[str, str]:
    """The words of the journal about a message."""
    command = f"journalctl -u letterbox -o cat | grep -- 'event=received id={identity} '"
    line = wait_until(lambda: lab.target.run(command, check=False).stdout, f"{identity} is logged")
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def identity(message: str) -> str:
    return message.partition("\n\tid ")[2].split(";")[0].split()[0]


def doctor(lab: Lab) -> dict[str, dict[str, object]]:
    said = lab.target.run("letterbox doctor --json", check=False).stdout
    return {link["link"]: link for link in map(json.loads, said.splitlines())}
