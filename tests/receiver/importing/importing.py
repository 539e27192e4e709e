"""Running `letterbox import` as a process, and what it leaves in a mailbox."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.receiver.processes import ROOT

CONFIGURATION = """hostname = "mx.example.test"
mail = "{mail}"
[domains."example.test"]
mailboxes = ["alice", "bob"]
aliases = {{ sales = ["bob"] }}
"""


@dataclass(frozen=True)
class Done:
    """How a run ended. `said` is its JSON."""

    code: int
    said: dict[str, Any]
    errors: str

    @property
    def counts(self) -> tuple[int, int, int]:
        """Messages that were imported, that were there already, and that were not imported."""
        return self.said["imported"], self.said["already_there"], self.said["not_imported"]


class Importer:
    """A mail folder with its configuration, in a folder that every user may enter."""

    def __init__(self, folder: Path) -> None:
        self.mail, self.config = folder / "mail", folder / "letterbox.toml"
        self.mail.mkdir(exist_ok=True)
        self.config.write_text(CONFIGURATION.format(mail=self.mail))

    def command(self, source: str | Path, *options: str, mailbox: str = "alice@example.test") -> list[str]:
        words = ["-m", "receiver", "import", mailbox, str(source), "--config", str(self.config), *options]
        return [sys.executable, *words]

    def run(
        self, source: str | Path | bytes, *options: str, mailbox: str = "alice@example.test", **more: Any
    ) -> Done:
        """Import from a path, or from octets on standard input."""
        octets = source if isinstance(source, bytes) else None
        words = self.command("-" if isinstance(source, bytes) else source, *options, mailbox=mailbox)
        done = subprocess.run(words, cwd=ROOT, input=octets, capture_output=True, timeout=120, **more)
        said = json.loads(done.stdout) if done.stdout.startswith(b"{") else {}
        return Done(done.returncode, said, done.stderr.decode())

    def files(self, mailbox: str = "alice") -> list[Path]:
        """The files of messages, in all folders, by the date in their names."""
        box = self.mail / "example.test" / mailbox
        found = [path for part in ("new", "cur") for path in box.glob(f"**/{part}/*")]
        return sorted(found, key=lambda path: path.name)

    def contents(self, mailbox: str = "alice") -> list[bytes]:
        return [path.read_bytes() for path in self.files(mailbox)]

    def leftovers(self) -> list[str]:
        return [path.name for path in self.mail.glob("*/*/tmp/*")]


def mbox(messages: Sequence[bytes], first: int = 1_400_000_000) -> bytes:
    """An mboxo of messages that hold no line `From `, a second apart."""
    import time

    return b"".join(
        b"From zoe@sender.test " + time.asctime(time.gmtime(first + at)).encode() + b"\n" + message + b"\n"
        for at, message in enumerate(messages)
    )


def digests(octets: Sequence[bytes]) -> list[str]:
    return sorted(hashlib.sha256(each).hexdigest() for each in octets)


def make_maildir(path: Path, files: dict[str, bytes]) -> None:
    """Write files by their paths in the Maildir, such as `cur/1400000000.x:2,S`."""
    for name, octets in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(octets)
        os.utime(path / name, (1_300_000_000, 1_300_000_000))
