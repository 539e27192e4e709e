"""The command waits for the nameservers, and then looks at the domain from outside."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import pytest

from dns import check, sync
from dns.world.vantage import REFERENCES
from tests.dns.example import DOMAIN, OURS, inventory_text
from tests.dns.loopback.nameserver import Nameserver
from tests.dns.loopback.world import SOA, MailHost
from tests.lab.cloudflare import StandIn


@pytest.fixture
def on_port_53(
    zones_dir: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch, patient: None
) -> Iterator[Nameserver]:
    """A nameserver on port 53, where a program looks for one: the root's, the zone's, and a resolver.

    A mail host of somebody else listens on port 25, so that a program can see that it reaches port 25.
    """
    with ExitStack() as stack:
        server = stack.enter_context(_on_port(53, lambda address: Nameserver(zones_dir, {}, address, 53)))
        other = stack.enter_context(
            _on_port(25, lambda address: MailHost(address, 25, certificate, name="mx.google.com"))
        )
        names = "".join(f"ns{n}.cloudflare.test. 60 A {server.address}\n" for n in (1, 2))
        delegations = "".join(f"{zone}.test. 60 NS ns1.cloudflare.test.\n" for zone in ("example", "other"))
        reference = (
            f"{REFERENCES[0]}. 60 A {other.address}\n{REFERENCES[0]}. 60 AAAA ::ffff:{other.address}\n"
        )
        server.zones = {
            ".": f"{SOA}@ 60 NS ns1.cloudflare.test.\n{delegations}",
            "cloudflare.test": SOA + names,
            "google.com": SOA + reference,
        }
        monkeypatch.setenv("LETTERBOX_RESOLVER", server.address)
        yield server


T = TypeVar("T")


def _on_port(port: int, start: Callable[[str], T]) -> T:
    """Start it at an address where the port is free, because another run of these tests may use the first."""
    for number in range(53, 100):
        try:
            return start(f"127.83.0.{number}")
        except PermissionError:
            pytest.skip(f"port {port} needs root")
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return pytest.skip(f"a program of this machine has port {port} at all of its addresses")


def test_the_command_waits_then_looks_from_outside(
    cloudflare: StandIn, on_port_53: Nameserver, inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": DOMAIN}))
    code = sync.main(["example.test", "--inventory", str(inventory)])
    out, err = capsys.readouterr()
    assert code == 0
    assert "answered by all its nameservers" in out
    assert f"ns2.cloudflare.test ({on_port_53.address}): answers" in err
    assert f"mx1.example.test ({OURS['public_ipv4']}) port 25: nothing listens there" in out


def test_the_command_says_as_json_what_it_saw_from_outside(
    cloudflare: StandIn, on_port_53: Nameserver, inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": DOMAIN}))
    assert sync.main(["example.test", "--inventory", str(inventory), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["applied"] is True
    assert {finding["code"] for finding in said["check"]["required"]} == {"port-25"}


def test_the_json_says_that_it_was_changed_if_the_nameservers_are_late(
    cloudflare: StandIn, on_port_53: Nameserver, inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloudflare.hold_publishing()
    assert sync.main(["example.test", "--inventory", str(inventory), "--json", "--wait", "0.3"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["applied"] is True
    assert json.loads(out)["error"] in err
    late = "example.test: changed, but after 0.3 s 2 of 2 nameserver addresses do not answer as they should"
    assert json.loads(out)["error"].startswith(late)


@pytest.mark.parametrize("form", ["--json", "text"])
def test_check_is_a_program_of_its_own_that_needs_no_token(
    cloudflare: StandIn,
    on_port_53: Nameserver,
    inventory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    form: str,
) -> None:
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": DOMAIN}))
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN")
    cloudflare.requests.clear()
    arguments = ["example.test", "--inventory", str(inventory)]
    assert check.main([*arguments, "--json"] if form == "--json" else arguments) == 2
    out, _ = capsys.readouterr()
    if form == "--json":
        assert {one["code"] for one in json.loads(out)["required"]} >= {"missing", "port-25"}
    else:
        assert "    -> python -m dns.sync example.test\n" in out
    assert cloudflare.requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense.test"], "is not in the inventory"),
        (["example.test", "--resolver", "x"], "give ADDRESS or ADDRESS#PORT"),
        (
            ["example.test", "--resolver", "127.0.0.1#99999"],
            "--resolver: '99999' is not a port from 1 to 65535",
        ),
    ],
)
def test_check_says_in_one_line_what_it_cannot_work_with(
    inventory: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert check.main([*arguments, "--inventory", str(inventory)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_run_looks_up_each_nameservers_address_once(
    cloudflare: StandIn, on_port_53: Nameserver, inventory: Path
) -> None:
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": DOMAIN}))
    assert sync.main(["example.test", "--inventory", str(inventory)]) == 0
    # The root's nameserver is ns1, so ns1 is looked up for the root too.
    looked_up = [kind for name, kind in on_port_53.asked if name == "ns2.cloudflare.test"]
    assert sorted(looked_up) == ["A", "AAAA"]
