"""What a user can do wrong: one line names the thing and the fix, and nothing is half done."""

from __future__ import annotations

import re

import pytest

from tests.deploys import ROOT, deploy

WRONG = {
    "no domain": ('"domains": {', '"domains": {}, "_unused": {', "no domain: add "),
    "an invalid domain": ('"example.test": {', '"exa mple.test": {', "domain exa mple.test: "),
    "an invalid mailbox": ('["alice", "bob"]', '["alice", "b/../ob"]', "mailbox 'b/../ob' "),
    "an alias to nobody": ('["alice"]}', '["carol"]}', "alias postmaster: its target carol"),
    "an invalid address": ('"public_ipv4": "10', '"public_ipv4": "1000', "is not an IPv4 address"),
    "a private address": ('"allow_private_address": True,', "", "is a private address"),
    "too many workers": ('"ssh_user"', '"workers": 65, "ssh_user"', "workers must be a whole number from 1"),
    "what is for one run only": (
        '"ssh_user"',
        '"forget_domain": "example.test", "ssh_user"',
        "unknown key forget_domain",
    ),
    "an unknown key": (
        '"allow_private_address"',
        '"allow_privat_address"',
        "did you mean allow_private_address",
    ),
}


def one_error(run) -> str:
    """What was said. It has the user's words: no traceback, no error of pyinfra, no line of our code."""
    said = run.stdout + run.stderr
    assert run.code == 1, said
    assert "Traceback" not in said, said
    assert "pyinfra error" not in said, said
    return said


@pytest.fixture
def untouched(deployed):
    """The lab, which the test must leave as it was."""
    look = (
        "cat /etc/letterbox/* 2>/dev/null; ls -laR --time-style=full-iso /opt/letterbox /etc/systemd/system"
    )
    before = deployed.target.run(look).stdout
    records = deployed.world.lookup("example.test", "MX")
    yield deployed
    assert deployed.target.run(look).stdout == before
    assert deployed.world.lookup("example.test", "MX") == records


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_inventory_is_named_before_anything_is_touched(untouched, tmp_path, wrong) -> None:
    old, new, reason = WRONG[wrong]
    text = untouched.inventory.read_text()
    assert old in text
    inventory = tmp_path / "inventory.py"
    inventory.write_text(text.replace(old, new))
    said = one_error(deploy(untouched, "-y", inventory=inventory))
    lines = [line.strip() for line in said.splitlines() if reason in line]
    assert lines and all(re.match(r"inventory\.py:\d+: ", line) for line in lines), said
    assert "Connecting" not in said


def test_an_inventory_that_is_not_edited_is_named_before_anything_connects(untouched) -> None:
    said = one_error(deploy(untouched, "--dry", inventory=ROOT / "inventory.py"))
    assert "inventory.py is still the example: set your host in place of mx1.example.com" in said
    assert "Connecting" not in said


def test_a_dry_run_shows_the_plan_of_the_dns_record_by_record(untouched, tmp_path) -> None:
    inventory = tmp_path / "inventory.py"
    text = untouched.inventory.read_text()
    inventory.write_text(text.replace('"catch_all": None', '"tls_reports": ["tls@example.test"]'))
    run = deploy(untouched, "--dry", inventory=inventory)
    assert run.code == 0, run.stderr
    lines = [line.strip() for line in run.stderr.splitlines()]
    assert "DNS of example.test: 1 to add" in lines
    assert [line for line in lines if line.startswith("+ _smtp._tls.example.test TXT ")], run.stderr


def test_a_missing_token_is_named_before_anything_is_touched(untouched) -> None:
    run = deploy(untouched, "-y", environment={"CLOUDFLARE_API_TOKEN": None})
    assert "CLOUDFLARE_API_TOKEN" in one_error(run)


def test_a_token_is_never_printed(untouched) -> None:
    token = "wrong-token-abcdefghijklmnopqrstuvwxyz01"
    said = one_error(deploy(untouched, "-y", "--debug", environment={"CLOUDFLARE_API_TOKEN": token}))
    assert token not in said


def test_a_zone_that_is_not_there_is_named_before_anything_is_touched(untouched, tmp_path) -> None:
    inventory = tmp_path / "inventory.py"
    inventory.write_text(untouched.inventory.read_text().replace('"example.test": {', '"nowhere.test": {'))
    assert "nowhere.test" in one_error(deploy(untouched, "-y", inventory=inventory))


def test_an_unreachable_host_is_named(untouched, tmp_path) -> None:
    inventory = tmp_path / "inventory.py"
    inventory.write_text(
        untouched.inventory.read_text().replace('"ssh_user": "root"', '"ssh_user": "root", "ssh_port": 9')
    )
    run = deploy(untouched, "-y", inventory=inventory)
    said = run.stdout + run.stderr
    assert run.code == 1
    assert "Traceback" not in said
    assert "[mx1.example.test] Could not connect" in said


def test_a_firewalld_zone_that_is_not_there_is_named_before_anything_is_touched(untouched, tmp_path) -> None:
    inventory = tmp_path / "inventory.py"
    inventory.write_text(
        untouched.inventory.read_text().replace('"ssh_user"', '"firewalld_zones": ["dmzz"], "ssh_user"')
    )
    said = one_error(deploy(untouched, "-y", inventory=inventory))
    assert "firewalld has no zone dmzz" in said
    assert "FedoraServer" in said


def test_an_unsupported_system_is_refused_before_anything_is_touched(untouched) -> None:
    untouched.target.run(
        "cp /etc/os-release /root/os-release && sed -i 's/^ID=.*/ID=alpine/' /usr/lib/os-release"
    )
    try:
        said = one_error(deploy(untouched, "-y"))
    finally:
        untouched.target.run("cat /root/os-release > /usr/lib/os-release; rm /root/os-release")
    assert "this deploy does not know " in said
