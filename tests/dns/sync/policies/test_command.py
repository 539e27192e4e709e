"""The command line for a domain with an MTA-STS policy: what is said, as JSON too, and the exit codes.

The policy host has an address at which nobody listens, so a policy that is uploaded is not served.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.dns.example import DOMAIN, HOST, Run, inventory_text, only_line, values
from tests.dns.loopback.world import World
from tests.lab.cloudflare import StandIn

NAME = "example.test"


@pytest.fixture(autouse=True)
def nowhere(internet: World, zones_dir: Path, cloudflare: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that answers for the zones of the stand-in, with an address at which nobody listens."""
    internet.reset(zones_dir)
    cloudflare.publish()
    monkeypatch.setenv("LETTERBOX_RESOLVER", internet.resolver.resolver)


def write(inventory: Path, mode: str | None) -> None:
    more = {"mta_sts": mode} if mode else {}
    inventory.write_text(inventory_text({"mx1.example.test": HOST}, {NAME: {**DOMAIN, **more}}))


def test_a_dry_run_shows_the_records_and_the_policy_and_changes_nothing(
    run: Run, inventory: Path, cloudflare: StandIn
) -> None:
    write(inventory, "testing")
    code, out, _ = run("--dry-run")
    assert code == 2
    assert "4 to add, MTA-STS policy to serve (testing)" in out
    assert '+ _mta-sts.example.test TXT "v=STSv1; id=' in out
    assert cloudflare.records(NAME) == []
    assert cloudflare.account.scripts == {}
    code, out, _ = run("--check")
    assert code == 2
    assert len(out.splitlines()) == 1


def test_a_run_whose_policy_is_not_served_yet_fails_and_says_what_waits(
    run: Run, inventory: Path, cloudflare: StandIn
) -> None:
    write(inventory, "testing")
    code, out, err = run()
    assert code == 1
    assert "example.test: changed" in out
    assert "its MTA-STS policy is uploaded, but not served yet" in err
    assert "so its TXT record waits: run this or deploy again" in err
    assert ("MX", NAME, "mx1.example.test", 10) in values(cloudflare)
    assert not any(name == f"_mta-sts.{NAME}" for _, name, _, _ in values(cloudflare))


def test_json_tells_the_policy_and_what_came_of_it(run: Run, inventory: Path) -> None:
    write(inventory, "testing")
    code, out, _ = run("--json")
    told = json.loads(out)
    assert (code, told["applied"]) == (1, True)
    assert told["mta_sts"] == {"mode": "testing", "published": "testing", "until": None, "waiting": []}
    assert "not served yet" in told["error"]
    write(inventory, None)
    code, out, _ = run("--json", "--dry-run")
    assert (code, json.loads(out)["mta_sts"]) == (0, None)


def test_a_token_without_the_right_fails_in_one_line_and_changes_nothing(
    run: Run, inventory: Path, cloudflare: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudflare.add_token("no-workers-token-0123456789", workers=False)
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "no-workers-token-0123456789")
    write(inventory, "testing")
    assert "Account > Workers Scripts > Edit" in only_line(run())
    assert cloudflare.records(NAME) == []
    write(inventory, None)
    assert run()[0] == 0


def test_a_policy_that_the_inventory_wants_is_not_forgotten(run: Run, inventory: Path) -> None:
    write(inventory, "testing")
    line = only_line(run("--forget-policy"))
    assert line.startswith("example.test: the inventory wants the policy that is to be forgotten")


def test_a_policy_is_forgotten_at_once(run: Run, inventory: Path, cloudflare: StandIn) -> None:
    write(inventory, "testing")
    run()
    write(inventory, "none")
    code, out, _ = run("--forget-policy")
    assert code == 0
    assert "its MTA-STS policy is gone" in out
    assert (cloudflare.account.scripts, cloudflare.account.domains) == ({}, {})


def test_a_wrong_mode_is_an_error_of_the_inventory(run: Run, inventory: Path) -> None:
    write(inventory, "strict")
    assert 'mta_sts must be "testing" or "enforce" or "none", or left out' in only_line(run())


def test_the_help_names_the_option_and_the_right(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--help")
    said = " ".join(capsys.readouterr().out.split())
    assert "--forget-policy" in said
    assert '"mta_sts" Account > Workers Scripts > Edit' in said
