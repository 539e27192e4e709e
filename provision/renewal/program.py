"""`services.renewal` on the machine that deploys: its state, and its runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyinfra.api.exceptions import DeployError

from dns.inventory import host_account
from provision.desired.archive import RENEWAL
from provision.desired.libraries import environment

GOOD, WRONG, DUE = 0, 3, 4
"""Exit codes of `python -m services.renewal`, as its `--help` has them. Any other one is a failure."""
_NAME = "letterbox-certificate: "


@dataclass(frozen=True, slots=True)
class Done:
    """How a run ended: its exit code, and its last line, which says what came of it."""

    code: int
    words: str


def state_folder(hostname: str) -> Path:
    """Where the ACME account and the state of a host lie on this machine. Made if it is not there.

    Raises DeployError.
    """
    try:
        folder = host_account.folder(hostname)
    except RuntimeError:
        raise DeployError(
            "this user has no home folder to keep the account at the CA in: set XDG_STATE_HOME or HOME"
        ) from None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    except OSError as error:
        raise DeployError(
            f"the folder {folder} cannot be made ({error.strerror}): it keeps the account at the CA, so set "
            "XDG_STATE_HOME to a folder that may be written"
        ) from None
    return folder


def call(folder: Path, arguments: Mapping[str, str], *switches: str, given: str = "") -> Done:
    """Run it once, with `given` on its standard input. Raises DeployError if it cannot be installed."""
    words = [part for name, value in arguments.items() if value for part in (name, value)]
    done = subprocess.run(
        [sys.executable, "-P", "-S", "-m", "services.renewal", *switches, *words],
        cwd=folder,
        env=environment(RENEWAL, "renews certificates"),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout if done.returncode in (GOOD, DUE) else done.stderr).strip().splitlines()
    return Done(done.returncode, (said or ["it said nothing"])[-1].removeprefix(_NAME))
