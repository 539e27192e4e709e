"""A real Knot DNS that signs a zone which the stand-in publishes, on loopback. Each change reloads it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dns.world import asking
from tests.dns.loopback.real_nameservers import SECONDS
from tests.ports import free_port

CONFIGURATION = """server:
  rundir: {folder}
  listen: [ {listen} ]
  udp-workers: 1
  tcp-workers: 1
control:
  listen: {folder}/knot.sock
database:
  storage: {folder}
policy:
  - id: csk
    single-type-signing: on
    algorithm: ecdsap256sha256
template:
  - id: default
    storage: {folder}
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    dnssec-signing: on
    dnssec-policy: csk
zone:
  - domain: {zone}
    file: {file}
"""
# Only root's PATH may have them.
KNOTD, KNOTC = (
    shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin") for name in ("knotd", "knotc")
)
INSTALLED = bool(KNOTD and KNOTC)


@dataclass(frozen=True, slots=True)
class SigningKnot:
    """A running Knot. As the stand-in's `Signer` it hands out its own key. `parent` has the DS of a test."""

    zone: str
    configuration: Path
    address: str
    port: int
    parent: set[str]

    @property
    def reload(self) -> str:
        """The shell command for the stand-in to run after a change. It ends when the zone is loaded."""
        return f"{KNOTC} -c {self.configuration} -b zone-reload {self.zone}"

    def keys(self) -> frozenset[str]:
        return asking.ask(self.address, self.zone, "DNSKEY", port=self.port).values

    def sign(self, zone: str) -> str:
        return next(key for key in self.keys() if key.startswith("257 "))

    def at_parent(self, zone: str) -> frozenset[str]:
        return frozenset(self.parent)


@contextmanager
def signing(zone: str, file: Path, address: str, port: int = 0) -> Iterator[SigningKnot]:
    """Run Knot over the zone file until the block ends. A `port` of 0 is any free port."""
    # The path of its socket may have 107 characters (unix(7)), so it is not in the folder of the test.
    with tempfile.TemporaryDirectory(prefix="knot") as name:
        folder = Path(name)
        number = port or free_port(address)
        configuration = folder / "knot.conf"
        configuration.write_text(
            CONFIGURATION.format(folder=folder, listen=f"{address}@{number}", zone=zone, file=file)
        )
        with (folder / "log").open("wb") as log:
            command = [str(KNOTD), "-m", "8", "-c", str(configuration)]
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            knot = SigningKnot(zone, configuration, address, number, set())
            ends = time.monotonic() + SECONDS
            # What is sent before it listens is lost, and not waited for.
            while not asking.ask(address, zone, "DNSKEY", port=number, seconds=0.2).values:
                assert process.poll() is None and time.monotonic() < ends, (folder / "log").read_text()
                time.sleep(0.02)
            yield knot
        finally:
            process.terminate()
            process.wait(SECONDS)
