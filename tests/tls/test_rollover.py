"""DANE as a user gets it, from `"dane": True` to the next key, while a real sender with DANE looks on.

The tests of this module follow each other: each is a day in the life of one host.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.host.layout import MAIL
from tests.deploys import Run, deploy, run_program
from tests.lab.lab import DOMAIN, HOSTNAME, Lab
from tests.lab.tls import dane_sender, signing
from tests.lab.tls.load import Load
from tests.lab.tls.postfix import Sender
from tests.tls import host, zone
from tests.tls.pairs import new_key, self_signed
from tests.waiting import wait_until

RECIPIENT = f"alice@{DOMAIN}"
LONG, SHORT = 300, 3  # seconds of an automatic TTL: Cloudflare's, and the lab's
THOROUGH = os.environ.get("LETTERBOX_THOROUGH") == "1"
REKEYS, EVERY = (4, 0.02) if THOROUGH else (1, 0.1)  # how often, and seconds between two messages


@pytest.fixture(scope="module")
def asking(tls_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The lab's inventory with DANE asked for. At the end the zone is as it was."""
    inventory = tmp_path_factory.mktemp("dane") / "inventory.py"
    text = tls_lab.inventory.read_text()
    assert '"catch_all": None,' in text
    inventory.write_text(text.replace('"catch_all": None,', '"catch_all": None, "dane": True,'))
    try:
        yield inventory
    finally:
        zone.set_automatic_ttl(tls_lab, SHORT)
        zone.publish(tls_lab)
        zone.switch_dnssec(tls_lab, "disabled")
        signing.unsign(tls_lab.world, DOMAIN)


@pytest.fixture(scope="module")
def first(tls_lab: Lab, asking: Path) -> Run:
    """The first deploy with DANE asked for."""
    return deploy(tls_lab, "-y", inventory=asking)


@pytest.fixture(scope="module")
def second(tls_lab: Lab, asking: Path, first: Run) -> Run:
    """The deploy after the DS that the first one said was handed to the registrar."""
    zone.set_automatic_ttl(tls_lab, LONG)
    signing.hand_in(tls_lab.world, DOMAIN, said_ds(first))
    return deploy(tls_lab, "-y", inventory=asking)


@pytest.fixture(scope="module")
def sender(tls_lab: Lab, second: Run) -> Iterator[Sender]:
    with dane_sender.running(tls_lab.world) as running:
        yield running


def said_ds(run: Run) -> str:
    """The DS that the run tells the user to hand to the registrar."""
    lines = [line for line in (run.stdout + run.stderr).splitlines() if f"{DOMAIN}. DS " in line]
    assert lines, run.stdout + run.stderr
    return " ".join(lines[0].partition(f"{DOMAIN}. DS ")[2].split()[:4])


def test_the_first_deploy_signs_the_zone_says_the_ds_and_publishes_no_key(tls_lab: Lab, first: Run) -> None:
    assert first.code == 0, first.stdout + first.stderr
    assert said_ds(first).upper() == signing.own_ds(tls_lab.world, DOMAIN).upper()
    assert zone.served(tls_lab) == frozenset()


def test_the_deploy_after_the_ds_publishes_the_current_and_the_next_key(tls_lab: Lab, second: Run) -> None:
    assert second.code == 0, second.stdout + second.stderr
    keys = {host.key_digest(tls_lab.target, which) for which in ("current", "next")}
    assert len(keys) == 2
    assert zone.served(tls_lab) == keys
    for address in (tls_lab.target.ipv4, tls_lab.target.ipv6):
        assert host.served_digest(address) == host.key_digest(tls_lab.target, "current")


def test_another_deploy_changes_nothing(tls_lab: Lab, asking: Path, second: Run) -> None:
    again = deploy(tls_lab, "-y", "--json", inventory=asking)
    assert (again.code, again.changed()) == (0, []), again.stderr


def test_a_sender_that_does_dane_verifies_the_host(sender: Sender) -> None:
    attempt = sender.first_attempt(RECIPIENT)
    assert attempt.proved, attempt


def test_a_new_key_on_the_disk_alone_is_named_and_deferred(
    tls_lab: Lab, asking: Path, sender: Sender
) -> None:
    """What somebody does who changes the key by hand, without the next one."""
    good = [run_on(tls_lab, asking, program) for program in ("dns.check", "first_mail.doctor")]
    assert [each.returncode for each in good] == [0, 0], [each.stdout + each.stderr for each in good]
    with host.as_it_was(tls_lab.target):
        host.install(tls_lab.target, self_signed(new_key(), HOSTNAME))
        check, doctor = (run_on(tls_lab, asking, program) for program in ("dns.check", "first_mail.doctor"))
        attempt = sender.first_attempt(RECIPIENT)
    sender.drop_queue()  # The later tests count what is sent in them.
    assert check.returncode == 2
    assert "serves a key that none of its 2 TLSA records names" in check.stdout, check.stdout
    assert doctor.returncode == 2
    assert "TLSA" in doctor.stdout, doctor.stdout
    assert (attempt.status, attempt.code) == ("deferred", "4.7.5")


def test_a_rekey_before_two_ttls_are_over_is_refused_and_touches_nothing(
    tls_lab: Lab, asking: Path, second: Run
) -> None:
    before = [host.key_digest(tls_lab.target, which) for which in ("current", "next")]
    run = deploy(tls_lab, "-y", inventory=asking, script="rekey.py")
    assert run.code != 0
    assert "600 s" in run.stdout + run.stderr, run.stdout + run.stderr
    assert [host.key_digest(tls_lab.target, which) for which in ("current", "next")] == before
    assert host.served_digest(tls_lab.target.ipv4) == before[0]


def test_a_rekey_after_two_ttls_defers_no_message(tls_lab: Lab, asking: Path, sender: Sender) -> None:
    """A sender sends all through it, and through the deploy that drops the old record."""
    zone.set_automatic_ttl(tls_lab, SHORT)
    signing.forget(tls_lab.world)  # what it keeps has the long TTL, and no record's TTL becomes shorter
    load = Load(sender, uuid.uuid4().hex)
    with sender.sending(RECIPIENT, load.prefix, every=EVERY):
        for _ in range(REKEYS):
            load.goes_on()
            old, new = (host.key_digest(tls_lab.target, which) for which in ("current", "next"))
            wait_until(lambda: rekeyed(tls_lab, asking), "two TTLs pass, and the host goes to the next key")
            assert host.key_digest(tls_lab.target, "current") == new
            assert zone.served(tls_lab) == {old, new}
            load.goes_on()
            assert host.served_digest(tls_lab.target.ipv4) == new
            deployed = deploy(tls_lab, "-y", inventory=asking)
            assert deployed.code == 0, deployed.stdout + deployed.stderr
            assert zone.served(tls_lab) == {new, host.key_digest(tls_lab.target, "next")} != {old, new}
        load.goes_on()
    tried = load.attempts()
    assert [each for each in tried.values() if len(each) != 1 or not each[0].proved] == []
    assert sorted(tried) == [load.identifier(number) for number in range(len(tried))]
    stored = tls_lab.target.run(f"grep -rlF '<{load.prefix}.' {MAIL}/{DOMAIN}/alice/new | wc -l").stdout
    assert int(stored) == len(tried)


def rekeyed(lab: Lab, inventory: Path) -> bool:
    """Whether `rekey.py` went ahead. If it did not, it must say that it is too early."""
    run = deploy(lab, "-y", inventory=inventory, script="rekey.py")
    assert run.code == 0 or "wait until" in run.stdout + run.stderr, run.stdout + run.stderr
    return run.code == 0


def run_on(lab: Lab, inventory: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run one of the two programs that say what is wrong."""
    where = [DOMAIN] if program == "dns.check" else []
    return run_program(lab, program, *where, "--inventory", str(inventory))
