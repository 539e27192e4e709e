"""A real resolver that checks signatures (Unbound): what it refuses, and what it cannot get."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dns.world import asking
from dns.world.nameservers import Server
from tests.dns.check.found import ALL, codes, found
from tests.dns.check.keys import DS, sign
from tests.dns.loopback.world import NS1, REGISTRY_ZONE, World

UNBOUND = shutil.which("unbound") or shutil.which("unbound", path="/usr/sbin")
ADDRESS, SECONDS = "127.83.0.82", 20.0
CONFIGURATION = """server:
  directory: "{folder}"
  interface: {address}@{port}
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "validator iterator"
  local-zone: "test." nodefault
  {more}
remote-control:
  control-enable: no
stub-zone:
  name: example.test
  stub-addr: {stub}
"""

pytestmark = pytest.mark.skipif(not UNBOUND, reason="no Unbound is installed (apt-get install unbound)")


@contextmanager
def unbound(folder: Path, world: World, more: str = "") -> Iterator[Server]:
    """Run an Unbound that asks the first nameserver for example.test. When the block begins, it answers."""
    configuration = folder / "unbound.conf"
    port, stub = world.resolver.port, f"{NS1}@{world.root.port}"
    configuration.write_text(
        CONFIGURATION.format(folder=folder, address=ADDRESS, port=port, more=more, stub=stub)
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(UNBOUND), "-d", "-c", str(configuration)], stdout=log, stderr=log)
    try:
        ends = time.monotonic() + SECONDS
        while asking.ask(ADDRESS, "localhost", "A", port=port, recursive=True, seconds=0.2).silence:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < ends, (folder / "log").read_text()
        yield Server("resolver", ADDRESS)
    finally:
        process.terminate()
        process.wait(SECONDS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for Unbound's files."""
    made = tmp_path / "unbound"
    made.mkdir()
    return made


def test_what_the_resolver_accepts_is_right(world: World, inventory: Path, folder: Path) -> None:
    with unbound(folder, world) as resolver:
        assert found(world, inventory, vantage=replace(world.vantage, resolvers=(resolver,))) == []


def test_signatures_that_the_resolver_refuses_are_found_once(
    world: World, inventory: Path, folder: Path
) -> None:
    with unbound(folder, world, f'trust-anchor: "example.test. DS {DS}"') as resolver:
        vantage = replace(world.vantage, resolvers=(resolver, resolver))
        assert codes(found(world, inventory, vantage=vantage)) == [("required", "bogus")]


def test_a_wrong_ds_explains_that_the_resolver_refuses_the_signatures(
    world: World, inventory: Path, folder: Path, zones_dir: Path
) -> None:
    sign(zones_dir)  # the zone has keys and no signatures, so Unbound refuses it with any DS
    wrong = f"{DS[:-4]}0000"
    world.registry.zones["test"] = f"{REGISTRY_ZONE}example.test. 60 DS {wrong}\n"
    with unbound(folder, world, f'trust-anchor: "example.test. DS {wrong}"') as resolver:
        vantage = replace(world.vantage, resolvers=(resolver,))
        assert codes(found(world, inventory, vantage=vantage)) == [("required", "ds")]


def test_what_the_resolver_cannot_get_is_unknown_and_not_bogus(
    world: World, inventory: Path, folder: Path
) -> None:
    with unbound(folder, world) as resolver:
        world.ns[0].faults[ALL] = "REFUSED"  # Unbound knows only this nameserver; the others answer the check
        findings = found(world, inventory, vantage=replace(world.vantage, resolvers=(resolver,)))
    assert codes(findings) == [("required", "nameserver-silent"), ("unknown", "resolver")]
    assert "SERVFAIL" in findings[1].problem
