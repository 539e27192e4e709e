"""An authority, a zone with two nameservers, Cloudflare's stand-in that publishes into them, and our runs.

Both nameservers are Knot DNS. Pebble asks the second one, so a challenge that was answered before that one
had the record fails.
"""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509

from services.renewal import command
from services.renewal.certificates import Certificate, read_certificate, read_request
from tests.dns.loopback import real_nameservers
from tests.house.rooms import ROOT
from tests.lab.cloudflare import StandIn
from tests.services.renewal import keys
from tests.services.renewal.pebble import Pebble

NAME, ZONE, OTHER_ZONE = "mx1.example.test", "example.test", "throwaway.test"
NS1, NS2 = "127.84.0.1", "127.84.0.2"
TOKEN = "certificate-token-0123456789"
SOA = "@ 60 SOA ns1.cloudflare.test. hostmaster.test. 1 60 60 3600 1\n@ 60 NS ns1.cloudflare.test.\n"
ZONES = {
    ZONE: SOA,
    OTHER_ZONE: SOA,
    "cloudflare.test": f"{SOA}@ 60 NS ns2.cloudflare.test.\nns1 60 A {NS1}\nns2 60 A {NS2}\n",
}


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended."""

    code: int
    out: str
    error: str


@dataclass
class World:
    """The servers, and the files of one host."""

    folder: Path
    pebble: Pebble
    cloudflare: StandIn
    port: int  # of the nameservers
    smtp: str = "127.0.0.1:9"  # where nobody listens
    key: keys.Key = field(default_factory=keys.make_key)

    def __post_init__(self) -> None:
        self.state.mkdir()
        (self.folder / "token").write_text(TOKEN + "\n")
        self.request.write_bytes(keys.request(self.key, NAME))

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def request(self) -> Path:
        return self.folder / "request.pem"

    @property
    def path(self) -> Path:
        """Where the certificate lies."""
        return self.state / read_request(self.request).id / "certificate.pem"

    def certificate(self) -> Certificate:
        """The certificate in use."""
        found = read_certificate(self.path)
        assert found is not None
        return found

    def install(self, pem: bytes) -> None:
        """Put a certificate where the one in use lies."""
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_bytes(pem)

    def kept(self) -> dict[str, Any]:
        """What `state.json` holds."""
        found: dict[str, Any] = json.loads((self.state / "state.json").read_text())
        return found

    def challenges(self, zone: str = ZONE) -> list[str]:
        """The names of the TXT records in the zone."""
        return [each["name"] for each in self.cloudflare.records(zone) if each["type"] == "TXT"]

    def arguments(self, *more: str) -> list[str]:
        """The arguments of a run. Those in `more` win."""
        pairs = {
            "--request": self.request,
            "--state": self.state,
            "--ca": self.pebble.directory,
            "--trust": self.pebble.trust,
            "--zone": ZONE,
            "--zone-id": self.cloudflare.zones[ZONE].id,
            "--token": self.folder / "token",
            "--api": self.cloudflare.base_url,
            "--resolver": f"{NS1}#{self.port}",
            "--nameserver-port": self.port,
            "--settle": 0,
            "--pause": 0,
            "--dns-seconds": 120,
            "--smtp": self.smtp,
        }
        return [str(part) for pair in pairs.items() for part in pair] + list(more)

    def start(self, *more: str, program: tuple[str, ...] = ("services.renewal",)) -> subprocess.Popen[str]:
        """Start a run as a process of its own, with `python -m` and these words in front of the arguments."""
        environment = {name: value for name, value in os.environ.items() if "CLOUDFLARE" not in name}
        return subprocess.Popen(
            [sys.executable, "-m", *program, *self.arguments(*more)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def renew(self, *more: str) -> Run:
        """Run to its end, in this process: most of the time of a process would be imports."""
        out, error = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(error):
            code = command.main(self.arguments(*more))
        assert TOKEN not in out.getvalue() + error.getvalue()
        return Run(code, out.getvalue(), error.getvalue().strip())

    def verify(self) -> None:
        """Fail unless the certificate in use leads to the authority's root of today, for our name and key."""
        held = self.certificate()
        assert (held.names, held.key) == ((NAME,), read_request(self.request).key)
        chain = x509.load_pem_x509_certificates(held.pem)
        for one, issuer in zip(
            chain, (*chain[1:], x509.load_pem_x509_certificate(self.pebble.root())), strict=True
        ):
            one.verify_directly_issued_by(issuer)

    def lag(self) -> None:
        """From now on the second nameserver does not get what is published."""
        self.cloudflare.reload = _reload(self.folder / "ns1")

    def catch_up(self) -> None:
        """Let the second nameserver get what was published."""
        command = f"{_copy(self.folder)} && {_reload(self.folder / 'ns2')}"
        subprocess.run(command, shell=True, check=True, capture_output=True)


@contextmanager
def running() -> Iterator[World]:
    """Run the servers until the block ends."""
    # Its path is short, because a path of a Unix socket may have 107 octets only.
    with tempfile.TemporaryDirectory(prefix="renewal.") as name, ExitStack() as stack:
        folder = Path(name)
        port = 0
        for server, address in (("ns1", NS1), ("ns2", NS2)):
            (folder / server).mkdir()
            here = (folder / server, ZONES, [address], port)
            port = stack.enter_context(real_nameservers.running("knotd", *here))
        both = " && ".join(
            (_reload(folder / "ns1"), _copy(folder), _reload(folder / "ns2")),
        )
        cloudflare = StandIn(
            [ZONE, OTHER_ZONE], token=TOKEN, zones_dir=folder / "ns1", reload=f"({both}) >/dev/null 2>&1"
        )
        stack.enter_context(cloudflare)
        pebble = Pebble(folder, f"{NS2}:{port}", *keys.https(folder))
        stack.enter_context(pebble)
        yield World(folder, pebble, cloudflare, port)


def _reload(folder: Path) -> str:
    return f"{real_nameservers.path('knotc')} -b -s {shlex.quote(str(folder / 'knot.sock'))} zone-reload"


def _copy(folder: Path) -> str:
    return f"cp {folder}/ns1/{ZONE}.zone {folder}/ns1/{OTHER_ZONE}.zone {folder}/ns2/"


__all__ = ["NAME", "NS2", "OTHER_ZONE", "TOKEN", "ZONE", "Run", "World", "running"]
