"""Test data of other projects, from their source distributions: fetched once, and checked by their hashes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path


class NotFetched(Exception):
    """The package index does not give the source distribution."""


@dataclass(frozen=True, slots=True)
class SourceDistribution:
    """A release of a package, with the hash of its archive in hexadecimal."""

    package: str
    version: str
    sha256: str

    def read(self, name: str) -> bytes:
        """A file of it. Raises NotFetched."""
        with tarfile.open(self._fetched()) as archive:
            file = archive.extractfile(f"{self.package}-{self.version}/{name}")
            assert file, name
            return file.read()

    def _fetched(self) -> Path:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        path = Path(base, "letterbox", "suites", f"{self.package}-{self.version}.tar.gz")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                self._fetch(Path(folder))
                Path(folder, path.name).replace(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert digest == self.sha256, f"{path} is not what was pinned: remove it"
        return path

    def _fetch(self, folder: Path) -> None:
        pinned = folder / "requirements.txt"
        pinned.write_text(f"{self.package}=={self.version} --hash=sha256:{self.sha256}\n")
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--retries=1"]
        pip += ["--no-deps", "--no-binary", self.package, "--require-hashes", "-d", str(folder)]
        run = subprocess.run([*pip, "-r", str(pinned)], capture_output=True, text=True)
        if run.returncode:
            problem = run.stderr.strip()[-300:]
            raise NotFetched(f"pip cannot fetch {self.package} {self.version}: {problem}")
