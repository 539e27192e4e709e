"""The libraries of a program, for runs of it on the machine that deploys.

They are those of its own lock, installed into the cache when they are first needed. The environment of
`make setup` does not have them, because most deploys do not need them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

from pyinfra import logger
from pyinfra.api.exceptions import DeployError

from provision.desired.archive import PROJECT, BuildError, Program, cache, run, tool, without_secrets


def environment(program: Program, does: str) -> dict[str, str]:
    """The variables with which `python -P -S -m FOLDER` runs the program. `does` is what it is here for.

    Raises DeployError if its libraries cannot be installed.
    """
    # With our checkout alone in front, `dns` would be our folder and not dnspython.
    places = (str(libraries(program, does)), str(PROJECT))
    return {**without_secrets(), "PYTHONPATH": os.pathsep.join(places)}


def libraries(program: Program, does: str) -> Path:
    """The folder of its libraries. Raises DeployError if they cannot be installed."""
    lock = PROJECT / program.lock
    key = f"{sys.implementation.cache_tag} {sysconfig.get_platform()}\n".encode()
    place = cache(Path(program.folder).name)
    folder = place / hashlib.sha256(key + lock.read_bytes()).hexdigest()[:16]
    if folder.is_dir():
        return folder
    logger.info(f"Installing what {does} on this machine into {folder}, once")
    place.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=place))
    try:
        install = (str(tool("uv")), "pip", "install", "--quiet", "--target", str(part))
        locked = ("--only-binary", ":all:", "--require-hashes", "--requirement", str(lock))
        run(f"libraries of {program.name}", [*install, "--python", sys.executable, *locked])
        part.chmod(0o755)
        part.rename(folder)
    except BuildError as error:
        raise DeployError(f"what {does} cannot be installed: {error}") from None
    except OSError:
        if not folder.is_dir():  # or else another deploy was faster
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder
