"""Letterbox as a deploy puts it on a host: the release, built for the lab's target and run by its Python.

The receiver runs in an overlay of the target's image, in namespaces of its own, and stores on the given disk.
The image does not change. Unlike on a host, the receiver is root and has none of the restrictions of the
unit.
"""

from __future__ import annotations

import contextlib
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.mail.checks.resolver import resolver
from benchmarks.mail.checks.senders import SERVER
from benchmarks.mail.errors import Broken
from benchmarks.mail.receivers import HOSTNAME, LIMITS, OURS, Receiver, domains, with_workers
from provision.desired.archive import BuildError, Platform, archive
from tests.conformance.peers import rooted
from tests.lab import prerequisites
from tests.lab.display import Display
from tests.lab.errors import LabError
from tests.lab.machines import image
from tests.receiver.certificates import make_certificate
from tests.receiver.server import configuration

_SCRIPT = Path(__file__).with_suffix(".sh")
_ALICE = Path("example.test", "alice", "new")


@dataclass(frozen=True, slots=True)
class Release:
    """A release, and the root file system that it was built for."""

    root: Path
    python: str  # such as 3.14.8
    packed: bytes


def release() -> Release:
    """The release of this checkout for the lab's target. Builds both if needed. Raises Broken."""
    try:
        root = _image()
        command = [
            "chroot",
            str(root),
            "/usr/bin/python3",
            "-Ic",
            "import platform as p; print(p.python_version())",
        ]
        python = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        packed = archive(Platform(python.rpartition(".")[0], platform.machine()))
        return Release(root, python, packed)
    except (LabError, BuildError, subprocess.CalledProcessError) as error:
        raise Broken(f"--deployed: {error}") from None


def _image() -> Path:
    target = image.Image("target")
    if not target.is_built():
        display = Display(Console(stderr=True, highlight=False))
        prerequisites.ensure(display.note)
        with (
            display.stage("Image of the target", "once, about a minute", long=True) as stage,
            ThreadPoolExecutor(1) as pool,
        ):
            try:
                pool.submit(image.build, target, stage.say).result()
            except BaseException:
                image.stop_builds()
                raise
    image.mark_used(target)
    return target.root


@contextlib.contextmanager
def deployed(
    built: Release, store: Path, *, workers: int = 1, preload: Path | None = None, checks: bool = False
) -> Iterator[Receiver]:
    """Run the release. Each process starts with the library `preload`. Raises Broken.

    With `checks` it checks who sent a message, and has a resolver of its own for the name server SERVER. Its
    socket is in the store, because that is the one folder that is inside and outside of the release's root.
    """
    name = f"{OURS} deployed{', checks' * checks}{with_workers(workers)}"
    store.mkdir()
    with contextlib.ExitStack() as stack:
        socket = stack.enter_context(resolver(SERVER, store)) if checks else None
        seen = Path("/store", socket.name) if socket else None
        files = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (files / "release.tar.gz").write_bytes(built.packed)
        certificate, key = (Path("/peers", each.name) for each in make_certificate(files, HOSTNAME))
        configured = configuration(
            Path("/store"), Path("/tmp/proofs"), (certificate, key), limits=LIMITS, workers=workers,
            domains=domains(seen), hostname=HOSTNAME,
        )  # fmt: skip
        (files / "letterbox.toml").write_text(configured)
        (files / _SCRIPT.name).write_text(_SCRIPT.read_text())
        try:
            process, port = stack.enter_context(
                rooted(name, built.root, files, _SCRIPT.stem, (), store, preload or "")
            )
        except OSError as error:
            raise Broken(f"{name} does not start: {str(error).strip().splitlines()[-1]}") from None
        yield Receiver(name, process.pid, port, store / _ALICE, built.python, HOSTNAME if checks else "")
