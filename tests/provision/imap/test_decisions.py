"""What a host needs for IMAP, decided from what it has, and what the inventory may say of it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from dns.inventory import InventoryError, from_hosts
from dns.inventory.host_imap import WantedImap
from provision.host import layout
from provision.host.imap import PROBE, Imap, parse_imap
from provision.host.observed import Observed
from provision.imap import commands, steps, sudoers
from receiver.imap.dovecot import written_for
from receiver.imap.sandbox import Session, command, quoted
from tests.provision.hosts import BARE, DEPLOYED, INVENTORY

WANTED = WantedImap({"alice@example.com": ("alice",)})
DEBIAN = replace(DEPLOYED, os={"ID": "debian"})
WITH_DOVECOT = replace(DEBIAN, imap=Imap(begun=True, masked=True, has_imap=True, dovecot="2.3"))


def needed(seen: Observed, wanted: WantedImap | None = WANTED) -> list[str]:
    return [each.get_raw_value() for each in commands.commands(seen, commands.needed(wanted))]


def inventory(**keys: object) -> WantedImap | None:
    domains = {"example.com": {"mailboxes": ["alice", "o'b*b"], "aliases": {"postmaster": ["alice"]}}}
    data = {"ssh_user": "root", "public_ipv4": "198.18.0.25", "allow_private_address": True, **keys}
    return from_hosts([("mx1.example.com", {**data, "domains": domains})]).hosts[0].imap


def test_a_plain_inventory_needs_nothing_and_a_plain_host_starts_no_process_when_asked() -> None:
    assert INVENTORY.hosts[0].imap is None
    assert needed(DEPLOYED, None) == needed(BARE, None) == []
    traced = "set -x; PATH=/nowhere\n"
    done = subprocess.run(["sh", "-c", traced + PROBE], capture_output=True, text=True, check=False)
    if not Path("/usr/sbin/dovecot").exists() and not Path("/sys/fs/selinux/enforce").exists():
        assert (done.stdout, "not found" in done.stderr) == ("", False)


def test_the_service_is_masked_before_the_package_is_installed() -> None:
    lines = needed(DEBIAN)
    (mask,) = (number for number, line in enumerate(lines) if "systemctl mask" in line)
    (install,) = (
        number
        for number, line in enumerate(lines)
        if "install dovecot-imapd" in line.replace("--no-install-recommends ", "")
    )
    assert mask < install
    assert "dovecot.service dovecot.socket" in lines[mask]


@pytest.mark.parametrize("version", commands.VERSIONS)
def test_the_configuration_is_that_of_the_version_that_is_there(version: str) -> None:
    (line,) = (
        each
        for each in commands.commands(
            replace(WITH_DOVECOT, imap=replace(WITH_DOVECOT.imap, dovecot=version)), commands.needed(WANTED)
        )
        if layout.IMAP_CONFIGURATION in each.get_raw_value()
    )
    text = str(line.connector_arguments["_stdin"])
    assert written_for(text) == version
    assert ("dovecot_config_version" in text) == (version == "2.4")


def test_a_dovecot_that_somebody_else_runs_is_not_masked_and_one_without_imap_is_refused() -> None:
    running = replace(DEBIAN, imap=Imap(has_imap=True, dovecot="2.4", serves=True))
    assert not any("systemctl mask" in line for line in needed(running))
    assert any("is left alone" in line for line in steps.remarks(running, WANTED))
    (problem,) = commands.problems(replace(DEBIAN, imap=Imap(dovecot="2.4", serves=True)))
    assert "would let it open port 143" in problem
    (problem,) = commands.problems(replace(DEBIAN, imap=Imap(has_imap=True, dovecot="2.5")))
    assert "its Dovecot is 2.5, and this deploy knows 2.3 and 2.4" in problem


def test_selinux_gets_the_label_of_mail_once_and_it_is_said() -> None:
    seen = replace(DEPLOYED, imap=Imap(begun=True, has_imap=True, dovecot="2.3", selinux=True))
    assert any("semanage fcontext -a -t mail_spool_t" in line for line in needed(seen))
    assert any("policycoreutils-python-utils" in line for line in needed(seen))
    assert any("gets the label mail_spool_t" in line for line in steps.remarks(seen, WANTED))
    done = replace(seen, imap=replace(seen.imap, labelled=True, semanage=True))
    assert not any("semanage" in line or "policycore" in line for line in needed(done))
    assert "semanage fcontext -d" in commands.removal(done).get_raw_value()
    assert "semanage" not in commands.removal(WITH_DOVECOT).get_raw_value()


def test_what_the_host_prints_is_read() -> None:
    lines = [
        "begun yes", "masked yes", "imap yes", "dovecot 2.3.19.1 (9b53102964)",
        "enabled masked masked", "active inactive inactive", "selinux yes",
        "label system_u:object_r:mail_spool_t:s0 system_u:object_r:var_lib_t:s0",
    ]  # fmt: skip
    assert parse_imap(lines) == Imap(True, True, True, "2.3", serves=False, selinux=True, labelled=False)
    assert parse_imap(["dovecot 2.4.5", "enabled enabled disabled", "active inactive inactive"]).serves
    assert parse_imap([]) == Imap()


def test_one_rule_a_reader_and_no_file_without_readers() -> None:
    rules = [line for line in sudoers.text(WANTED).splitlines() if not line.startswith("#")]
    assert rules == ["alice ALL=(root) NOPASSWD: NOSETENV: /usr/local/bin/letterbox imap alice@example.com"]
    assert sudoers.text(WantedImap()) == ""


@pytest.mark.parametrize(
    ("readers", "said"),
    [
        ({"bob@example.com": ["bob"]}, "bob@example.com is no mailbox of a served domain"),
        ({"postmaster@example.com": ["bob"]}, "is no mailbox of a served domain"),
        ({"alice": ["alice"]}, "write it as in alice@example.com"),
        ({"o'b*b@example.com": ["bob"]}, "has a character that a rule of sudo cannot have"),
        ({"alice@example.com": ["ALL"]}, "'ALL' is not the name of a user"),
        ({"alice@example.com": ["%wheel"]}, "is not the name of a user"),
        ({"alice@example.com": ["a, ALL"]}, "is not the name of a user"),
        ({"alice@example.com": ["#0"]}, "is not the name of a user"),
        ({"alice@example.com": ["root"]}, "root reads every mailbox anyway"),
        ({"alice@example.com": []}, "must have a list of users"),
        (["alice"], "must be a dict"),
    ],
)
def test_readers_that_could_mean_something_else_are_refused(readers: object, said: str) -> None:
    with pytest.raises(InventoryError, match="readers") as refused:
        inventory(imap=True, readers=readers)
    assert said in str(refused.value)


def test_the_inventory_says_whether_and_who() -> None:
    assert inventory(imap=True) == WantedImap()
    assert inventory(imap=False) is None
    wanted = inventory(imap=True, readers={"Alice@EXAMPLE.com": "alice"})
    assert wanted == WantedImap({"alice@example.com": ("alice",)})
    for keys in ({"imap": "yes"}, {"readers": {"alice@example.com": ["alice"]}}):
        with pytest.raises(InventoryError):
            inventory(**keys)


def test_readers_who_are_not_there_are_named() -> None:
    there = {"sudo": "/usr/bin/sudo", "visudo": "/usr/sbin/visudo", "alice": "alice:x:1000:"}
    assert list(sudoers.problems(WANTED, there)) == []
    (problem,) = sudoers.problems(WANTED, {name: there[name] for name in ("sudo", "visudo")})
    assert "the host has no user alice" in problem
    (problem,) = sudoers.problems(WANTED, {"alice": "alice:x:1000:"})
    assert "install the package sudo" in problem


def test_a_path_is_quoted_for_systemd_and_a_session_gets_no_other_mailbox() -> None:
    assert quoted(Path("/a b/o'c:d\\e\"f")) == "/a\\ b/o\\'c\\:d\\\\e\\\"f"
    session = Session(
        "alice@example.com",
        Path("/m/example.com/alice"),
        Path("/i/example.com/alice"),
        Path("/imap"),
        Path("/c"),
    )
    words = command(session, "1")
    assert "--property=BindPaths=/m/example.com/alice:/var/lib/letterbox/mail" in words
    assert "--property=TemporaryFileSystem=/var/lib/letterbox:ro /etc/letterbox:ro" in words
    assert words[-4:] == ["--", "/imap", "-c", "/c"]
