"""Names of hosts taken out of the inventory, on real machines: no sender that has the old MX loses mail."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.deploys import deploy
from tests.lab.lab import Lab
from tests.provision.withdrawal.two_hosts import EXAMPLE, SECOND, changed, done, records, sync, time_passes
from tests.waiting import wait_until

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("as_deployed")]
MX1, MX2, MAIL = (f"{label}.{EXAMPLE}" for label in ("mx1", "mx2", "mail"))
STAYS = "(ours, stays until 20"


@pytest.fixture
def renamed(lab: Lab, tmp_path: Path) -> Path:
    """The inventory in which the first host has another name."""
    return changed(lab, tmp_path, '"ssh_user"', f'"hostname": "{MAIL}", "ssh_user"')


@pytest.fixture
def alone(lab: Lab, tmp_path: Path) -> Path:
    """The inventory without the second host."""
    text = lab.inventory.read_text()
    start = text.index(f'        (\n            "{MX2[:4]}')
    end = text.index("        ),\n", start) + len("        ),\n")
    return changed(lab, tmp_path, text[start:end], "")


def comments(lab: Lab, name: str) -> set[str | None]:
    return {held.record.comment for held in records(lab)[EXAMPLE] if held.record.name == name}


def test_a_renamed_host_gets_its_new_name_at_once_and_keeps_the_old_one_for_a_time(
    lab: Lab, renamed: Path
) -> None:
    """Both domains are led to the host, and each has a zone of its own."""
    run = done(deploy(lab, "-y", inventory=renamed))
    assert f"{MX1} A {lab.target.ipv4} {STAYS}" in run.stderr
    assert lab.world.lookup(EXAMPLE, "MX") == [f"10 {MAIL}.", f"20 {MX2}."]
    assert lab.world.lookup(SECOND, "MX") == [f"10 {MAIL}.", f"20 {MX2}."]
    assert lab.world.lookup(MX1, "A") == [lab.target.ipv4]
    (comment,) = comments(lab, MX1)
    assert (comment or "").startswith("letterbox until 20"), "a time is set, as no MX leads there any more"
    before = records(lab)
    again = done(deploy(lab, "-y", "--json", inventory=renamed))
    assert again.changed() == []
    assert f"{MX1} A {lab.target.ipv4} {STAYS}" in again.stderr
    assert records(lab) == before
    time_passes(lab)
    done(deploy(lab, "-y", inventory=renamed))
    assert lab.world.lookup(MX1, "A") == []
    assert lab.world.lookup(MAIL, "A") == [lab.target.ipv4]


def test_a_sender_that_has_the_old_mx_delivers_after_the_name_has_changed(
    lab: Lab, renamed: Path, tmp_path: Path
) -> None:
    """Its resolver keeps the MX for an hour, as real ones do, and has not looked up the address yet."""
    hour = '"mailboxes": ["carol"]', '"ttl": 3600, "mailboxes": ["carol"]'
    done(deploy(lab, "-y", inventory=changed(lab, tmp_path, *hour)))
    lab.world.forget()
    old = lab.world.lookup(SECOND, "MX", cached=True)
    assert old == [f"10 {MX1}.", f"20 {MX2}."]
    renamed.write_text(
        lab.inventory.read_text().replace(*hour).replace('"ssh_user"', f'"hostname": "{MAIL}", "ssh_user"', 1)
    )
    done(deploy(lab, "-y", inventory=renamed))
    assert lab.world.lookup(SECOND, "MX", cached=True) == old, "the resolver still has it"
    subject = f"old{time.monotonic_ns()}"
    lab.world.send(f"Subject: {subject}\r\n\r\nhello\r\n".encode(), [f"carol@{SECOND}"])
    folder = f"/var/lib/letterbox/mail/{SECOND}/carol/new"
    wait_until(lambda: subject in lab.target.run(f"cat {folder}/*", check=False).stdout, lab.world.queue)
    assert not any(subject in bounce for bounce in lab.world.bounces())


def test_a_renamed_host_whose_old_name_is_given_loses_it_at_once(lab: Lab, renamed: Path) -> None:
    done(deploy(lab, "-y", "--data", f"forget_host={MX1}", inventory=renamed))
    assert lab.world.lookup(EXAMPLE, "MX") == [f"10 {MAIL}.", f"20 {MX2}."]
    assert lab.world.lookup(MX1, "A") == []


def test_hosts_that_change_their_names_with_each_other_leave_none_without_addresses(
    lab: Lab, tmp_path: Path
) -> None:
    first, second, rest = lab.inventory.read_text().split('"ssh_user"')
    swapped = tmp_path / "inventory.py"
    names = (f'"hostname": "mx{number}.{EXAMPLE}", "ssh_user"' for number in (2, 1))
    swapped.write_text(f"{first}{next(names)}{second}{next(names)}{rest}")
    done(deploy(lab, "--dry", inventory=swapped))


def test_a_host_taken_out_beside_another_keeps_its_addresses_for_a_time(lab: Lab, alone: Path) -> None:
    run = done(deploy(lab, "-y", inventory=alone))
    assert f"{MX2} A {lab.targets[1].ipv4} {STAYS}" in run.stderr
    assert lab.world.lookup(EXAMPLE, "MX") == [f"10 {MX1}."]
    assert lab.world.lookup(MX2, "A") == [lab.targets[1].ipv4]


def test_the_sync_does_as_the_deploy_does(lab: Lab, renamed: Path) -> None:
    """One domain after the other: while the second leads to the old name, no time is set."""
    assert sync(lab, EXAMPLE, "--dry-run", inventory=renamed).code == 2
    first = done(sync(lab, EXAMPLE, inventory=renamed))
    assert f"{SECOND} MX 10 {MX1} leads mail to this name" in first.stdout
    assert comments(lab, MX1) == {"letterbox until +300 example.test"}
    done(sync(lab, SECOND, inventory=renamed))
    lab.world.forget()
    last = done(sync(lab, EXAMPLE, inventory=renamed))
    assert STAYS in last.stdout


def test_a_host_that_is_destroyed_beside_another_keeps_its_addresses_for_a_time(lab: Lab) -> None:
    """A sender that has only its MX tries again, and then finds the other host."""
    done(deploy(lab, "-y", "--limit", MX2, script="destroy.py"))
    assert lab.world.lookup(EXAMPLE, "MX") == [f"10 {MX1}."]
    assert lab.world.lookup(MX2, "A") == [lab.targets[1].ipv4]
    (comment,) = comments(lab, MX2)
    assert (comment or "").startswith("letterbox until 20")
