"""`services.renewal` on the machine that deploys: its libraries, its state, and its runs.

Its libraries are those of its own lock, installed into the cache when they are first needed. The environment
of `make setup` does not have them, because most deploys do not need them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyinfra import logger
from pyinfra.api.exceptions import DeployError

from dns.inventory import host_account
from provision.desired.archive import PROJECT, RENEWAL, BuildError, cache, run, tool, without_secrets

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
    environment = without_secrets()
    # With our checkout alone in front, `dns` would be our folder and not dnspython.
    environment["PYTHONPATH"] = os.pathsep.join((str(_libraries()), str(PROJECT)))
    done = subprocess.run(
        [sys.executable, "-P", "-S", "-m", "services.renewal", *switches, *words],
        cwd=folder,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout if done.returncode in (GOOD, DUE) else done.stderr).strip().splitlines()
    return Done(done.returncode, (said or ["it said nothing"])[-1].removeprefix(_NAME))


def _libraries() -> Path:
    """The folder of its libraries. Raises DeployError if they cannot be installed."""
    lock = PROJECT / RENEWAL.lock
    key = f"{sys.implementation.cache_tag} {sysconfig.get_platform()}\n".encode()
    folder = cache("renewal") / hashlib.sha256(key + lock.read_bytes()).hexdigest()[:16]
    if folder.is_dir():
        return folder
    logger.info(f"Installing what renews certificates on this machine into {folder}, once")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        install = (str(tool("uv")), "pip", "install", "--quiet", "--target", str(part))
        locked = ("--only-binary", ":all:", "--require-hashes", "--requirement", str(lock))
        run(f"libraries of {RENEWAL.name}", [*install, "--python", sys.executable, *locked])
        part.chmod(0o755)
        part.rename(folder)
    except BuildError as error:
        raise DeployError(f"what renews certificates cannot be installed: {error}") from None
    except OSError:
        if not folder.is_dir():  # or else another deploy was faster
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder
