"""A mail folder with messages of any age, and the command `keep` run on it."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.receiver.processes import DEADLINE, ROOT, environment

DAY = 86_400
_NUMBER = itertools.count(1)


@dataclass(frozen=True)
class Ran:
    """How a run ended, and what it printed."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]


@dataclass(frozen=True)
class Mail:
    """A mail folder with the mailboxes alice and bob at example.test, and its letterbox.toml beside it."""

    top: Path

    @property
    def folder(self) -> Path:
        return self.top / "mail"

    @property
    def config(self) -> Path:
        return self.top / "letterbox.toml"

    @property
    def alice(self) -> Path:
        return self.folder / "example.test" / "alice"

    def configure(self, tables: str) -> None:
        self.config.write_text(
            f'hostname = "mx.example.test"\nmail = "{self.folder}"\n{tables}\n'
            '[domains."example.test"]\nmailboxes = ["alice", "bob"]\naliases = { team = ["bob"] }\n'
        )

    def put(
        self, days: float, where: str = "new", *, name: str | None = None, mtime: float | None = None,
        box: str = "alice", octets: int = 100,
    ) -> Path:  # fmt: skip
        """Put a message that arrived so many days ago. `name` is another program's name for it."""
        arrived = time.time() - days * DAY
        own = f"{int(arrived)}.M{next(_NUMBER):06d}P1Q1R0123abcd.mx.example.test"
        path = self.folder / "example.test" / box / where / (name or own)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * octets)
        if mtime is not None:
            os.utime(path, (mtime, mtime))
        return path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "receiver", "keep", "--config", str(self.config), *arguments]

    def keep(self, *arguments: str) -> Ran:
        """Run `letterbox keep` and wait for its end."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def files(self) -> set[Path]:
        """All files and links of the mailboxes."""
        boxes = self.folder / "example.test"
        return {path for path in boxes.rglob("*") if path.is_symlink() or path.is_file()}


def new_mail(top: Path, tables: str = '[keep]\n"example.test" = 30') -> Mail:
    mail = Mail(top)
    for part in ("tmp", "new", "cur"):
        (mail.alice / part).mkdir(parents=True)
    mail.configure(tables)
    return mail
