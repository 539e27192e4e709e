"""DANE as a user gets it, from `"dane": True` to the next key, while a real sender with DANE looks on.

The tests of this module follow each other: each is a day in the life of one host.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploys import Run, deploy
from tests.lab.lab import DOMAIN, Lab
from tests.lab.tls import dane_sender, signing
from tests.lab.tls.dane_sender import DaneSender
from tests.tls import host, zone
from tests.waiting import wait_until

RECIPIENT = f"alice@{DOMAIN}"
LONG, SHORT = 300, 3  # seconds of an automatic TTL: Cloudflare's, and the lab's


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
def sender(tls_lab: Lab, second: Run) -> Iterator[DaneSender]:
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


def test_a_sender_that_does_dane_verifies_the_host(sender: DaneSender) -> None:
    mark = f"{uuid.uuid4().hex}@sender.test"
    sender.send(f"Message-ID: <{mark}>\r\n\r\nhello\r\n".encode(), [RECIPIENT])
    (attempt,) = wait_until(lambda: sender.attempts().get(mark), "an attempt to deliver")
    assert attempt.proved, attempt


def test_a_rekey_before_two_ttls_are_over_is_refused_and_touches_nothing(
    tls_lab: Lab, asking: Path, second: Run
) -> None:
    before = [host.key_digest(tls_lab.target, which) for which in ("current", "next")]
    run = deploy(tls_lab, "-y", inventory=asking, script="rekey.py")
    assert run.code != 0
    assert "600 s" in run.stdout + run.stderr, run.stdout + run.stderr
    assert [host.key_digest(tls_lab.target, which) for which in ("current", "next")] == before
    assert host.served_digest(tls_lab.target.ipv4) == before[0]


def test_a_rekey_after_two_ttls_defers_no_message(tls_lab: Lab, asking: Path, sender: DaneSender) -> None:
    """A sender sends all through it, and through the deploy that drops the old record."""
    old, new = (host.key_digest(tls_lab.target, which) for which in ("current", "next"))
    zone.set_automatic_ttl(tls_lab, SHORT)
    wait_until(
        lambda: deploy(tls_lab, "--dry", inventory=asking, script="rekey.py").code == 0, "two TTLs pass"
    )
    prefix = uuid.uuid4().hex
    with sender.sending(RECIPIENT, prefix):
        wait_until(lambda: len(of(sender, prefix)) >= 10, "the sender sends")
        rekeyed = deploy(tls_lab, "-y", inventory=asking, script="rekey.py")
        assert rekeyed.code == 0, rekeyed.stdout + rekeyed.stderr
        wait_until(lambda: host.served_digest(tls_lab.target.ipv4) == new, "the next key is served")
        assert zone.served(tls_lab) == {old, new}
        at_rekey = len(of(sender, prefix))
        deployed = deploy(tls_lab, "-y", inventory=asking)
        assert deployed.code == 0, deployed.stdout + deployed.stderr
        after_deploy = len(of(sender, prefix))
        wait_until(lambda: len(of(sender, prefix)) >= after_deploy + 10, "the sender sends on")
    attempts = of(sender, prefix)
    assert at_rekey > 10
    assert [each for each in attempts if not each.proved] == []
    another = host.key_digest(tls_lab.target, "next")
    assert another not in (old, new)
    assert zone.served(tls_lab) == {new, another}


def of(sender: DaneSender, prefix: str) -> list[dane_sender.Attempt]:
    """All attempts to deliver the messages of a load."""
    return [one for mark, tried in sender.attempts().items() if mark.startswith(prefix) for one in tried]
