"""The releases that a host may have been deployed by, each with the commit that it was made from.

Each new release adds its line here. From then on test_upgrade.py also upgrades a host from it.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.deploys import ROOT


@dataclass(frozen=True, slots=True)
class Release:
    """A version, and the commit that it was made from."""

    version: str
    commit: str


RELEASES = (
    Release("0.1.0", "5b7bf35"),
    Release("0.1.1", "668dc67"),
    Release("0.2.0", "6368a1c"),
    Release("0.3.0", "5cc66c0"),
    Release("0.4.0", "59d115e"),
    Release("0.5.0", "892f760"),
    Release("0.6.0", "379dfd0"),
)


class NotInHistory(LookupError):
    """git does not have the commit: a shallow clone, or no clone at all. `str` says why, in one line."""


def checkout(release: Release, folder: Path) -> Path:
    """The files of a release, from git, in this folder. Raises NotInHistory."""
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", release.commit]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        raise NotInHistory(f"release {release.version} cannot be had: there is no git here") from None
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
        raise NotInHistory(f"release {release.version} cannot be had from git: {reason[0]}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder
