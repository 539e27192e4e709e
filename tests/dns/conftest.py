"""The stand-in for Cloudflare, a nameserver that serves what it publishes, and an inventory."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from dns import sync
from dns.world import asking
from tests.dns.example import DOMAIN, HOST, OURS, RIGHT, SECONDS, TOKEN, Run, inventory_text
from tests.dns.loopback import world as loopback
from tests.dns.loopback.nameserver import Nameserver
from tests.dns.loopback.world import World
from tests.lab.cloudflare import StandIn
from tests.lab.cloudflare.authority import ROOT, Authority, make_root
from tests.lab.cloudflare.edge import Edge


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the last change is kept for `--undo`."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer on loopback may take as long as a busy machine needs, which is more than a user waits."""
    for function in (asking.ask, asking.exchange):
        monkeypatch.setitem(function.__kwdefaults__, "seconds", SECONDS)


@pytest.fixture
def silence(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some servers of the test are silent on purpose. They are waited for as long as a user waits."""
    for function in (asking.ask, asking.exchange):
        monkeypatch.setitem(function.__kwdefaults__, "seconds", asking.QUERY_SECONDS)


@pytest.fixture
def ssh_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let `ssh` be a program that runs this script, whatever it is asked for."""

    def put(script: str) -> None:
        ssh = tmp_path / "ssh"
        ssh.write_text(f"#!/bin/sh\n{script}\n")
        ssh.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")

    return put


@pytest.fixture
def zones_dir(tmp_path: Path) -> Path:
    """Where the stand-in publishes."""
    folder = tmp_path / "zones"
    folder.mkdir()
    return folder


@pytest.fixture
def cloudflare(zones_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in with the zones example.test and other.test, named in the environment."""
    for name in ("CLOUDFLARE_EMAIL", "CLOUDFLARE_API_KEY", "HTTP_PROXY", "http_proxy", "LETTERBOX_RESOLVER"):
        monkeypatch.delenv(name, raising=False)
    addresses = {"A": loopback.EDGE4, "AAAA": loopback.EDGE6}
    zones = ["example.test", "other.test"]
    with StandIn(zones, token=TOKEN, zones_dir=zones_dir, edge=addresses) as standin:
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", standin.base_url)
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
        yield standin


@pytest.fixture
def api(cloudflare: StandIn) -> Iterator[httpx.Client]:
    """A plain HTTP client with the token, at the records of example.test."""
    base = f"{cloudflare.base_url}/zones/{cloudflare.zones['example.test'].id}/"
    with httpx.Client(base_url=base, headers={"authorization": f"Bearer {TOKEN}"}, timeout=SECONDS) as client:
        yield client


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority of the certificates that the edge serves."""
    root, store = tmp_path_factory.mktemp("authority"), tmp_path_factory.mktemp("certificates")
    make_root(root)
    return Authority(root, store)


@pytest.fixture
def edge(cloudflare: StandIn, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edge]:
    """Cloudflare's edge for the Workers of the stand-in, which programs and tests trust.

    A vantage point needs its port: `replace(world.vantage, https_port=edge.port)`.
    """
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.root / ROOT))
    with Edge(cloudflare.served, authority, (loopback.EDGE4, loopback.EDGE6)) as running:
        yield running


@pytest.fixture
def nameserver(zones_dir: Path, patient: None) -> Iterator[Nameserver]:
    """A nameserver for the published zones. It also knows the addresses of the zone's nameservers."""
    hosts = {"ns1.cloudflare.test": "127.0.0.1", "ns2.cloudflare.test": "127.0.0.1"}
    with Nameserver(zones_dir, hosts) as server:
        yield server


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """An inventory of one host and one domain."""
    path = tmp_path / "inventory.py"
    path.write_text(inventory_text({"mx1.example.test": HOST}, {"example.test": DOMAIN}))
    return path


@pytest.fixture
def run(inventory: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """`dns.sync` on example.test, without waiting for nameservers."""

    def run(*arguments: str, domain: str = "example.test") -> tuple[int, str, str]:
        capsys.readouterr()
        code = sync.main([domain, "--inventory", str(inventory), "--wait", "0", *arguments])
        out, err = capsys.readouterr()
        assert TOKEN not in out + err
        assert "Traceback" not in out + err
        return code, out, err

    return run


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate with its key, in one file."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    made = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9")
    names = ("-subj", "/CN=mx1.example.test", "-keyout", str(path), "-out", str(path.with_suffix(".crt")))
    subprocess.run(["openssl", "req", *made, *names], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@pytest.fixture(scope="session")
def internet(certificate: Path) -> Iterator[World]:
    """The servers of the small Internet."""
    with loopback.running(certificate) as running:
        yield running


@pytest.fixture
def world(cloudflare: StandIn, zones_dir: Path, internet: World, inventory: Path, patient: None) -> World:
    """The small Internet, with the domain's zone as `dns.sync` makes it."""
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": DOMAIN}))
    cloudflare.seed("example.test", *RIGHT)
    internet.reset(zones_dir)
    return internet
