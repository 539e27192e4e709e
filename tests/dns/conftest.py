"""The stand-in for Cloudflare, a nameserver that serves what it publishes, and an inventory."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dns import sync
from tests.dns import world as loopback
from tests.dns.nameserver import Nameserver
from tests.dns.world import MAIL4, MAIL6, World
from tests.lab.cloudflare import StandIn

TOKEN = "lab-token-0123456789"
SECONDS = 60  # for an answer, on a busy machine
HOST: dict[str, Any] = {
    "public_ipv4": "198.18.0.25",
    "public_ipv6": "fd00::25",
    "allow_private_address": True,
}
OURS: dict[str, Any] = {**HOST, "public_ipv4": MAIL4, "public_ipv6": MAIL6}
DOMAIN: dict[str, Any] = {"mailboxes": ["alice"], "aliases": {"postmaster": ["alice"]}}

RIGHT: tuple[dict[str, Any], ...] = (
    {"type": "MX", "name": "@", "content": "mx1.example.test", "priority": 10},
    {"type": "A", "name": "mx1", "content": MAIL4},
    {"type": "AAAA", "name": "mx1", "content": MAIL6},
)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the last change is kept, for ``--undo``."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def zones_dir(tmp_path: Path) -> Path:
    """Where the stand-in publishes."""
    folder = tmp_path / "zones"
    folder.mkdir()
    return folder


@pytest.fixture
def cloudflare(zones_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in with the zone example.test, named in the environment."""
    for name in ("CLOUDFLARE_EMAIL", "CLOUDFLARE_API_KEY", "HTTP_PROXY", "http_proxy", "LETTERBOX_RESOLVER"):
        monkeypatch.delenv(name, raising=False)
    with StandIn(["example.test", "other.test"], token=TOKEN, zones_dir=zones_dir) as standin:
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", standin.base_url)
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
        yield standin


@pytest.fixture
def api(cloudflare: StandIn) -> Iterator[httpx.Client]:
    """A plain HTTP client with the token, at the records of example.test."""
    base = f"{cloudflare.base_url}/zones/{cloudflare.zones['example.test'].id}/"
    with httpx.Client(base_url=base, headers={"authorization": f"Bearer {TOKEN}"}, timeout=SECONDS) as client:
        yield client


@pytest.fixture
def nameserver(zones_dir: Path) -> Iterator[Nameserver]:
    """A nameserver for the published zones, which also knows where the zone's nameservers are."""
    hosts = {"ns1.cloudflare.test": "127.0.0.1", "ns2.cloudflare.test": "127.0.0.1"}
    with Nameserver(zones_dir, hosts) as server:
        yield server


def inventory_text(hosts: dict[str, dict[str, Any]], domains: dict[str, dict[str, Any]]) -> str:
    """An inventory.py with these hosts and domains."""
    return f"mail_hosts = ({list(hosts.items())!r}, {{'domains': {domains!r}}})\n"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """An inventory of one host and one domain."""
    path = tmp_path / "inventory.py"
    path.write_text(inventory_text({"mx1.example.test": HOST}, {"example.test": DOMAIN}))
    return path


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(inventory: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """``dns.sync`` on example.test without waiting for nameservers: exit code, output, errors."""

    def run(*arguments: str, domain: str = "example.test") -> tuple[int, str, str]:
        capsys.readouterr()
        code = sync.main([domain, "--inventory", str(inventory), "--wait", "0", *arguments])
        out, err = capsys.readouterr()
        assert TOKEN not in out + err
        assert "Traceback" not in out + err
        return code, out, err

    return run


def values(standin: StandIn, zone: str = "example.test") -> set[tuple[Any, ...]]:
    """Type, name, content and priority of every record in the zone."""
    return {(r["type"], r["name"], r["content"], r.get("priority")) for r in standin.records(zone)}


def frozen(standin: StandIn, ids: set[str], zone: str = "example.test") -> str:
    """These records in full, to compare before and after."""
    return json.dumps([r for r in standin.records(zone) if r["id"] in ids], sort_keys=True)


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
    """The servers of the world."""
    with loopback.running(certificate) as running:
        yield running


@pytest.fixture
def world(cloudflare: StandIn, zones_dir: Path, internet: World, inventory: Path) -> World:
    """The world, with the domain's zone as ``dns.sync`` makes it."""
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": DOMAIN}))
    cloudflare.seed("example.test", *RIGHT)
    internet.reset(zones_dir)
    return internet
