"""Dovecot as this host has it: its `imap`, its version, and the configuration that the deploy wrote for it.

Dovecot 2.3 and 2.4 read different configurations, and an upgrade of the system may bring the other one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from receiver.cli.command import Failure

CONFIGURATION = Path("/etc/letterbox/imap/dovecot.conf")
"""The deploy writes it if the inventory has `"imap": True` for the host. Its first line names the version."""
_PROGRAMS = (Path("/usr/libexec/dovecot/imap"), Path("/usr/lib/dovecot/imap"))  # of Fedora, and of Debian
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_WRITTEN_FOR = re.compile(r"# Dovecot (\d+\.\d+): ")
_VERSION = re.compile(r"(\d+\.\d+)")
_AGAIN = "run deploy.py again"


def program() -> Path:
    """The path of Dovecot's `imap`, if this host is set up for it. Raises Failure."""
    if not CONFIGURATION.is_file():
        raise Failure(
            'IMAP is not set up on this host: set "imap": True for it in the inventory, and run deploy.py',
            os.EX_UNAVAILABLE,
        )
    found = next((path for path in _PROGRAMS if path.is_file()), None)
    if found is None:
        raise Failure(f"Dovecot's imap is not installed: {_AGAIN}", os.EX_UNAVAILABLE)
    wanted, installed = written_for(CONFIGURATION.read_text()), version()
    if wanted != installed:
        raise Failure(
            f"Dovecot is {installed or 'of an unknown version'}, and {CONFIGURATION} was written for "
            f"{wanted or 'an unknown one'}: {_AGAIN}",
            os.EX_CONFIG,
        )
    return found


def written_for(configuration: str) -> str:
    """The version, as `2.4`, that the text of a configuration is for. Empty if it does not say that."""
    found = _WRITTEN_FOR.match(configuration)
    return found[1] if found else ""


def version() -> str:
    """The version of the installed Dovecot, as `2.4`. Empty if it does not tell."""
    try:
        said = _said("dovecot", "--version")
    except OSError:
        return ""
    found = _VERSION.match(said.stdout)
    return found[1] if found else ""


def check() -> str:
    """What `doctor` says of it, such as `Dovecot 2.4`. Raises Failure if no session could begin."""
    program()
    said = _said("doveconf", "-n", "-c", str(CONFIGURATION))
    if said.returncode:
        reason = next(iter(said.stderr.strip().splitlines()), f"exit code {said.returncode}")
        raise Failure(f"Dovecot refuses {CONFIGURATION} ({reason}): {_AGAIN}", os.EX_CONFIG)
    return f"Dovecot {version()} is there for `letterbox imap`"


def _said(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [shutil.which(name, path=_PATH) or name, *arguments]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
