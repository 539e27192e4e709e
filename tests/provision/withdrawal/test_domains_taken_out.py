"""Domains and mailboxes taken out of the inventory, on real machines: refused unless named for the run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.deploys import deploy
from tests.lab.lab import Lab
from tests.provision.withdrawal.two_hosts import (
    EXAMPLE,
    SECOND,
    changed,
    delete_mx,
    done,
    records,
    refused,
    replies,
    sync,
    time_passes,
)

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("as_deployed")]


@pytest.fixture
def without_second(lab: Lab, tmp_path: Path) -> Path:
    """The inventory without second.test."""
    (line,) = [line for line in lab.inventory.read_text().splitlines() if SECOND in line]
    return changed(lab, tmp_path, line, "")


def test_a_domain_taken_out_is_refused_while_its_mx_leads_here(lab: Lab, without_second: Path) -> None:
    said = refused(lab, without_second)
    # Both hosts would say so, but the first ends the run.
    lead = (
        rf"(mx[12].{EXAMPLE}): it serves {SECOND}, which the inventory no longer has, and {SECOND} MX .0 \1 "
    )
    assert re.search(lead, said), said
    assert f"python -m dns.sync {SECOND} --withdraw" in said
    assert f"--data forget_domain={SECOND}" in said
    assert replies(lab, f"carol@{SECOND}") == "250"


def test_a_domain_taken_out_is_refused_while_a_nameserver_is_silent(lab: Lab, without_second: Path) -> None:
    delete_mx(lab, SECOND)
    lab.world.run("systemctl stop knot@ns1")
    said = refused(lab, without_second)
    assert (
        "whether its MX still leads here cannot be told (ns1.cloudflare.test does not answer for it" in said
    )


def test_a_domain_taken_out_goes_when_its_mx_has_gone(lab: Lab, without_second: Path) -> None:
    delete_mx(lab, SECOND)
    run = done(deploy(lab, "-y", inventory=without_second))
    assert f"{SECOND} is no longer served" in run.stderr
    assert f"/var/lib/letterbox/mail/{SECOND}" in run.stderr
    assert replies(lab, f"carol@{SECOND}") == "550"
    assert replies(lab, f"alice@{EXAMPLE}") == "250"


def test_a_domain_that_was_withdrawn_is_served_until_no_sender_can_come(
    lab: Lab, without_second: Path
) -> None:
    """As the refusal says: the command, the wait, the deploy, and the command once more."""
    run = done(sync(lab, SECOND, "--withdraw", inventory=without_second))
    assert "senders may still come until 20" in run.stdout
    assert lab.world.lookup(SECOND, "MX") == []
    assert "its MX was withdrawn, but senders may keep that MX and come until 20" in refused(
        lab, without_second
    )
    assert replies(lab, f"carol@{SECOND}") == "250"
    time_passes(lab)
    done(deploy(lab, "-y", inventory=without_second))
    assert replies(lab, f"carol@{SECOND}") == "550"
    assert replies(lab, f"alice@{EXAMPLE}") == "250"
    done(sync(lab, SECOND, "--withdraw", inventory=without_second))
    assert records(lab)[SECOND] == ()


def test_a_domain_that_is_named_is_given_up_at_once(lab: Lab, without_second: Path) -> None:
    refused(lab, without_second, "--data", f"forget_domain={EXAMPLE}")
    done(deploy(lab, "-y", "--data", f"forget_domain={SECOND}", inventory=without_second))
    assert replies(lab, f"carol@{SECOND}") == "550"
    again = done(deploy(lab, "-y", "--json", inventory=without_second))
    assert again.changed() == [], "what is not served any more cannot be given up again"


def test_going_back_to_before_a_domain_was_served_is_refused(lab: Lab, without_second: Path) -> None:
    done(deploy(lab, "-y", "--data", f"forget_domain={SECOND}", inventory=without_second))
    done(deploy(lab, "-y"))
    assert f"it serves {SECOND}, which generation g" in refused(lab, lab.inventory, script="rollback.py")
    named = ("--data", f"forget_domain={SECOND}")
    done(deploy(lab, "-y", *named, script="rollback.py"))
    assert replies(lab, f"carol@{SECOND}") == "550"


def test_a_new_machine_of_the_same_name_does_not_forget_what_the_old_one_served(
    lab: Lab, tmp_path: Path
) -> None:
    """The new one cannot be asked. The zone, which is read anyway, has the MX, and then the withdrawal."""
    sub = f"sub.{EXAMPLE}"
    more = f'"{sub}": {{"mailboxes": ["dora"], "aliases": {{"postmaster": ["dora"]}}}}, "{EXAMPLE}": {{'
    done(deploy(lab, "-y", inventory=changed(lab, tmp_path, f'"{EXAMPLE}": {{', more)))
    for target in lab.targets:
        target.run("rm -r /etc/letterbox /opt/letterbox/generations")  # as on a machine that is new
    said = refused(lab, lab.inventory)
    assert re.search(rf"{sub} MX .0 mx[12].{EXAMPLE} leads mail here by a record of ours", said), said
    done(sync(lab, sub, "--withdraw"))
    assert f"the MX of {sub} was withdrawn, but senders may keep that MX" in refused(lab, lab.inventory)
    time_passes(lab)
    done(deploy(lab, "-y"))
    done(sync(lab, sub, "--withdraw"))
    assert not any(sub in held.record.name for held in records(lab)[EXAMPLE])


def test_a_mailbox_taken_out_is_refused_to_senders_and_its_mail_is_named(lab: Lab, tmp_path: Path) -> None:
    run = done(deploy(lab, "-y", inventory=changed(lab, tmp_path, '["alice", "bob"]', '["alice"]')))
    assert f"bob@{EXAMPLE} is no longer a mailbox" in run.stderr
    assert f"/var/lib/letterbox/mail/{EXAMPLE}/bob" in run.stderr
    assert replies(lab, f"bob@{EXAMPLE}") == "550"


def test_a_configuration_that_cannot_be_read_is_not_taken_for_none(lab: Lab) -> None:
    """If a generation tells what the host serves, a broken file is put back. If none does, it stays."""
    lab.target.run("echo 'broken by hand' >> /etc/letterbox/letterbox.toml")
    done(deploy(lab, "-y"))
    assert "broken" not in lab.target.run("cat /etc/letterbox/letterbox.toml").stdout
    lab.target.run(
        "echo 'broken by hand' >> /etc/letterbox/letterbox.toml; mv /opt/letterbox/generations /root/"
    )
    try:
        assert "which domains it serves cannot be told" in refused(lab, lab.inventory)
        done(deploy(lab, "--dry", script="destroy.py"))
    finally:
        lab.target.run("rm -rf /opt/letterbox/generations; mv /root/generations /opt/letterbox/")
