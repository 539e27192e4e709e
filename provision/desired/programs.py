"""The programs of a host: where the source of each lies, what it is called, and what it needs. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_LAUNCHER = """\
#!/usr/bin/python3 -I
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from {module}.__main__ import {function}

sys.exit({function}())
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A program of a host, with a lock and a release of its own. `folder` has its source in this checkout.

    `lock` names its dependencies. It is empty if the program needs the standard library alone.
    `also` are the folders and modules of other rooms that it imports.
    """

    name: str
    command: str
    folder: str
    function: str
    lock: str
    also: tuple[str, ...] = ()

    @property
    def launcher(self) -> str:
        """The text of its command."""
        return _LAUNCHER.format(module=self.folder.replace("/", "."), function=self.function)


RECEIVER = Program("the receiver", "letterbox", "receiver", "main", "requirements-host.lock")
RENEWAL = Program(
    "the renewal of certificates",
    "letterbox-certificate",
    "services/renewal",
    "start",
    "requirements-renewal.lock",
)
RESOLVER = Program(
    "the resolver of the sender checks",
    "letterbox-resolver",
    "services/resolver",
    "start",
    "requirements-resolver.lock",
)
HEARTBEAT = Program("the heartbeat", "letterbox-heartbeat", "services/heartbeat", "start", "")
HOOKS = Program(
    "the hooks",
    "letterbox-hook",
    "services/hooks",
    "start",
    "requirements-hooks.lock",
    (
        "receiver/__init__.py",
        "receiver/addresses.py",
        "receiver/charsets.py",
        "receiver/checks/__init__.py",
        "receiver/checks/results.py",
        "receiver/checks/verdict.py",
        "receiver/config/__init__.py",
        "receiver/config/tables.py",
        "receiver/content",
        "receiver/encoded_words.py",
        "receiver/headers.py",
        "receiver/hook_queue.py",
        "receiver/mailbox.py",
        "receiver/maildir.py",
        "receiver/parameters.py",
        "receiver/reading",
        "receiver/recipients.py",
        "receiver/system/__init__.py",
        "receiver/system/journal.py",
    ),
)
LIFECYCLE = Program("the rules of a bucket", "", "provision/bucket", "", "requirements-lifecycle.lock")
"""It runs on the machine that deploys alone, so it has no command."""
BUCKET = Program(
    "the bucket",
    "letterbox-bucket",
    "services/bucket",
    "start",
    "requirements-bucket.lock",
    (
        "receiver/__init__.py",
        "receiver/bucket",
        "receiver/config/__init__.py",
        "receiver/config/tables.py",
        "receiver/mailbox.py",
        "receiver/maildir.py",
        "receiver/system/__init__.py",
        "receiver/system/journal.py",
        "receiver/system/limits.py",
        "receiver/system/systemd.py",
    ),
)
