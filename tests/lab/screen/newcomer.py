"""Newcomers' first hours, scripted: from a clone to the proof, with README's commands and no others.

`python -m tests.lab newcomer PATH` plays one of them in the lab, each on an untouched machine, and prints the
transcript as Markdown. docs/notes/newcomer.md has what came of it. Each program runs on a terminal of 80
columns, and Enter and Ctrl-C are typed there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from tests.first_mail.breaking import filtered_on_the_way
from tests.lab.demo import letter
from tests.lab.lab import Lab
from tests.lab.screen.picture import ADDRESS, ROOT
from tests.lab.screen.terminal import Answers, run

ENTER, CTRL_C = "\n", "\x03"


@dataclass(slots=True)
class Newcomer:
    """Somebody who has a clone, an inventory in a folder of his own, and a terminal."""

    lab: Lab
    clone: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
        path = f"{self.clone / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {
            **inherited,
            **self.lab.environment,
            "HOME": str(self.home),
            "PATH": path,
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "PYINFRA_PROGRESS": "off",
        }

    def types(self, command: str, answers: Answers | None = None) -> Iterator[str]:
        """Run a command line of the README. The lines of the transcript."""
        code, lines = run(["sh", "-c", command], self.environment, self.clone, answers, seconds=300)
        yield f"$ {command}"
        for line in lines:
            text = Text.from_ansi(line).plain.rstrip()
            if not set(text.strip()) & set("█▀▄"):  # the QR code
                yield text
        yield f"[exit code {code if code >= 0 else 128 - code}]"  # as a shell says it
        yield ""

    def write_inventory(self, text: str) -> None:
        (self.home / "mail").mkdir(exist_ok=True)
        (self.home / "mail" / "inventory.py").write_text(text, "utf-8")

    def sends_mail(self, address: re.Match[str]) -> str:
        self.lab.world.send(letter(address[0]).as_bytes(), [address[0]])
        return ""


DRY = "pyinfra --dry ~/mail/inventory.py deploy.py"
DEPLOY = "pyinfra ~/mail/inventory.py deploy.py"
PROOF = "make proof INVENTORY=~/mail/inventory.py"
DOCTOR = "make doctor INVENTORY=~/mail/inventory.py"


def as_root(person: Newcomer) -> Iterator[str]:
    """A fresh host, as root. First the example is left as it is, and then one key is misspelt."""
    yield from person.types("make setup")
    yield from person.types("mkdir -p ~/mail && cp inventory.py ~/mail/ && " + DRY)
    right = person.lab.inventory.read_text()
    person.write_inventory(right.replace('"mailboxes"', '"mailboxs"'))
    yield from person.types(DRY)
    person.write_inventory(right)
    yield from person.types(DRY)
    yield from person.types(DEPLOY, {"Press enter": lambda _: ENTER})
    yield from person.types(PROOF, {ADDRESS: person.sends_mail})
    yield from person.types(DEPLOY, {"Press enter": lambda _: ENTER})
    yield from person.types(DOCTOR)


def as_fedora(person: Newcomer) -> Iterator[str]:
    """A cloud image: the user `fedora`, who may sudo."""
    yield from person.types("make setup")
    person.write_inventory(
        person.lab.inventory.read_text().replace('"ssh_user": "root"', '"ssh_user": "fedora"')
    )
    yield from person.types(DEPLOY, {"Press enter": lambda _: ENTER})
    yield from person.types(PROOF, {ADDRESS: person.sends_mail})
    yield from person.types(
        f"ssh -F {person.lab.ssh_config} fedora@target sudo /usr/local/bin/letterbox list --text"
    )


def beside_postfix(person: Newcomer) -> Iterator[str]:
    """A Debian host on which Postfix runs, as many images bring it. The deploy says what to do first."""
    install = "DEBIAN_FRONTEND=noninteractive apt-get -q -y install postfix python3 openssl"
    person.lab.target.run(f"apt-get -q update && {install}")
    yield from person.types("make setup")
    person.write_inventory(person.lab.inventory.read_text())
    refused = list(person.types(DEPLOY, {"Press enter": lambda _: CTRL_C}))
    yield from refused
    # What the screen says in backquotes is typed on the host, as it stands there.
    said = re.search(r"`([^`]+)`", " ".join(line.strip() for line in refused))
    if said is None:
        return
    yield from person.types(f"ssh -F {person.lab.ssh_config} root@target {said[1]}")
    yield from person.types(DEPLOY, {"Press enter": lambda _: ENTER})
    yield from person.types(PROOF, {ADDRESS: person.sends_mail})


def without_python(person: Newcomer) -> Iterator[str]:
    """A Debian host as small as it comes: there is no Python on it."""
    yield from person.types("make setup")
    person.write_inventory(person.lab.inventory.read_text())
    yield from person.types(DRY)
    yield from person.types(DEPLOY, {"Press enter": lambda _: ENTER})
    yield from person.types(PROOF, {ADDRESS: person.sends_mail})
    yield from person.types(DOCTOR)


def behind_a_closed_port(person: Newcomer) -> Iterator[str]:
    """A provider that lets nobody connect to port 25, until it is asked to."""
    yield from person.types("make setup")
    person.write_inventory(person.lab.inventory.read_text())
    with filtered_on_the_way(person.lab, "-4", "-6"):
        yield from person.types(DEPLOY, {"Press enter": lambda _: ENTER})
        yield from person.types(PROOF, {ADDRESS: lambda address: person.sends_mail(address) + CTRL_C})
        # The doctor compares with the port 25 of Gmail and others. The lab has the stranger's in their place.
        yield from person.types(
            "python -m first_mail.doctor --inventory ~/mail/inventory.py --reference mail.sender.test"
        )
    yield "(The provider opens port 25.)"
    yield from person.types(PROOF, {ADDRESS: person.sends_mail})


@dataclass(frozen=True, slots=True)
class Journey:
    """A newcomer's first hour, and the image that his host is made of."""

    commands: Callable[[Newcomer], Iterator[str]]
    system: str = "target"


PATHS = {
    "root": Journey(as_root),
    "fedora": Journey(as_fedora),
    "postfix": Journey(beside_postfix, "debian"),
    "closed-port": Journey(behind_a_closed_port),
    "no-python": Journey(without_python, "debian"),
}


def play(lab: Lab, name: str) -> Iterator[str]:
    """Play a path on a lab whose target is untouched. The lines of its transcript."""
    with tempfile.TemporaryDirectory(prefix="newcomer ") as place:
        clone, home = Path(place) / "letterbox", Path(place) / "home"
        home.mkdir()
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        _bring_changes(clone)
        for line in PATHS[name].commands(Newcomer(lab, clone, home)):
            yield line.replace(str(home), "/home/me").replace(str(lab.folder), "/the/lab")


def _bring_changes(clone: Path) -> None:
    """Give the clone what is not committed yet, so that what is played is what lies here."""
    ask = ["git", "-C", str(ROOT), "ls-files", "-z", "--modified", "--others", "--exclude-standard"]
    for name in subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
