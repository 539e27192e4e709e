"""Deploys that would make mail bounce, on real machines: refused, with nothing changed anywhere; or named.

Two hosts serve two domains, each in a zone of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dns.cloudflare_zone import Zones
from dns.plan import Change, Plan
from dns.records import ZoneRecord
from tests.conftest import usable_lab
from tests.deploys import ROOT, Run, deploy
from tests.lab import lifecycle
from tests.lab.lab import Lab

pytestmark = pytest.mark.lab

EXAMPLE, SECOND = "example.test", "second.test"
LOOK = """
cd / && find etc/letterbox opt/letterbox etc/systemd usr/local var/lib/letterbox -printf '%p %T@ %s\\n' |
  grep -v /mail/ | sort
sha256sum /etc/letterbox/letterbox.toml
systemctl show -p MainPID -p ActiveState -p ActiveEnterTimestamp letterbox.service letterbox.socket
getent passwd letterbox; firewall-cmd --list-all-zones
"""


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own with two hosts, both deployed for both domains."""
    folder = tmp_path_factory.mktemp("two") / ".lab"
    two = usable_lab(request.config, folder, quiet=True, hosts=2)
    text = two.inventory.read_text()
    more = f'"{SECOND}": {{"mailboxes": ["carol"], "aliases": {{"postmaster": ["carol"]}}}},\n            '
    two.inventory.write_text(text.replace(f'"{EXAMPLE}": {{', f'{more}"{EXAMPLE}": {{'))
    assert deploy(two, "-y").code == 0
    yield two
    lifecycle.take_down(folder)


@pytest.fixture(autouse=True)
def as_deployed(lab: Lab) -> Iterator[None]:
    """Afterwards it is again as the lab's inventory says."""
    yield
    lab.world.run("systemctl start knot@ns1")
    run = deploy(lab, "-y", "--data", "forget_host=mail.example.test")
    assert run.code == 0, run.stderr


def zones(lab: Lab) -> Zones:
    return Zones(lab.environment)


def records(lab: Lab) -> dict[str, tuple[ZoneRecord, ...]]:
    both = zones(lab)
    return {name: both.records(both.holding(name)) for name in (EXAMPLE, SECOND)}


def delete_mx(lab: Lab, domain: str) -> None:
    """As a user does by hand, in the dashboard."""
    both = zones(lab)
    mx = tuple(held for held in records(lab)[domain] if held.record.type == "MX")
    assert both.change(both.holding(domain), Plan((), deletes=mx)) == []


def state(lab: Lab) -> tuple[object, ...]:
    """Everything that a deploy may change: on the hosts, and in the stand-in's zones."""
    return *(target.run(LOOK).stdout for target in lab.targets), records(lab)


def changed(lab: Lab, folder: Path, old: str, new: str) -> Path:
    """The lab's inventory with another text in a place."""
    text = lab.inventory.read_text()
    assert old in text
    inventory = folder / "inventory.py"
    inventory.write_text(text.replace(old, new, 1))
    return inventory


def refused(lab: Lab, inventory: Path, *options: str, script: str = "deploy.py") -> str:
    """What a dry run and a real one say, which must be the same, and must have changed nothing."""
    before = state(lab)
    said = []
    for how in ("--dry", "-y"):
        run = deploy(lab, how, *options, inventory=inventory, script=script)
        assert run.code == 1, run.stderr
        assert "Traceback" not in run.stderr
        assert "Starting operation" not in run.stderr
        said.append(
            "".join(
                line
                for line in run.stderr.splitlines()
                if "Nothing was changed" in line or "nothing was changed" in line
            )
        )
        assert said[-1], run.stderr
    assert state(lab) == before
    return said[-1]


def done(run: Run) -> Run:
    assert run.code == 0, run.stderr
    return run


def replies(lab: Lab, recipient: str) -> str:
    """What the first host says to RCPT."""
    ask = (
        "import smtplib; s = smtplib.SMTP('127.0.0.1', 25, timeout=30); s.ehlo(); s.mail('a@sender.test'); "
        f"print(s.rcpt('{recipient}')[0])"
    )
    return lab.target.run(["python3", "-c", ask]).stdout.strip()


@pytest.fixture
def without_second(lab: Lab, tmp_path: Path) -> Path:
    """The inventory without second.test."""
    (line,) = [line for line in lab.inventory.read_text().splitlines() if SECOND in line]
    return changed(lab, tmp_path, line, "")


def test_a_domain_taken_out_is_refused_while_its_mx_leads_here(lab: Lab, without_second: Path) -> None:
    said = refused(lab, without_second)
    # Both hosts would say so; the first ends the run.
    lead = (
        rf"(mx[12].{EXAMPLE}): it serves {SECOND}, which the inventory no longer has, and {SECOND} MX .0 \1 "
    )
    assert re.search(lead, said), said
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


def test_a_renamed_host_is_refused_while_an_mx_leads_to_its_name(lab: Lab, tmp_path: Path) -> None:
    renamed = changed(lab, tmp_path, '"ssh_user"', '"hostname": "mail.example.test", "ssh_user"')
    said = refused(lab, renamed)
    # The host's own name and the zone's plan both say so; whichever is looked at first ends the run.
    assert re.search(f"{EXAMPLE} MX 10 mx1.{EXAMPLE} leads mail to (the old|that) name", said)
    assert f"--data forget_host=mx1.{EXAMPLE}" in said
    done(deploy(lab, "-y", "--data", f"forget_host=mx1.{EXAMPLE}", inventory=renamed))
    assert lab.world.lookup(EXAMPLE, "MX") == [f"10 mail.{EXAMPLE}.", f"20 mx2.{EXAMPLE}."]
    assert lab.world.lookup(f"mx1.{EXAMPLE}", "A") == []


def test_a_host_renamed_in_steps_never_leaves_a_name_without_addresses(lab: Lab, tmp_path: Path) -> None:
    """As docs/host.md says: its old addresses are taken over by hand, and stay until nobody wants them."""
    renamed = changed(lab, tmp_path, '"ssh_user"', '"hostname": "mail.example.test", "ssh_user"')
    both = zones(lab)
    old = [held for held in records(lab)[EXAMPLE] if held.record.name == f"mx1.{EXAMPLE}"]
    theirs = [Change(held, replace(held.record, comment="until the MX has expired")) for held in old]
    assert both.change(both.holding(EXAMPLE), Plan((), patches=tuple(theirs))) == []
    said = refused(lab, renamed)
    assert f"its name is mx1.{EXAMPLE}, and the inventory calls it mail.{EXAMPLE}" in said
    done(deploy(lab, "-y", "--data", f"forget_host=mx1.{EXAMPLE}", inventory=renamed))
    assert lab.world.lookup(EXAMPLE, "MX") == [f"10 mail.{EXAMPLE}.", f"20 mx2.{EXAMPLE}."]
    assert lab.world.lookup(f"mx1.{EXAMPLE}", "A") == [lab.target.ipv4]
    by_hand = tuple(held for held in records(lab)[EXAMPLE] if held.record.name == f"mx1.{EXAMPLE}")
    assert len(by_hand) == 2
    assert both.change(both.holding(EXAMPLE), Plan((), deletes=by_hand)) == []


def test_hosts_that_change_their_names_with_each_other_leave_none_without_addresses(
    lab: Lab, tmp_path: Path
) -> None:
    first, second, rest = lab.inventory.read_text().split('"ssh_user"')
    swapped = tmp_path / "inventory.py"
    names = (f'"hostname": "mx{number}.{EXAMPLE}", "ssh_user"' for number in (2, 1))
    swapped.write_text(f"{first}{next(names)}{second}{next(names)}{rest}")
    done(deploy(lab, "--dry", inventory=swapped))


def test_a_host_taken_out_beside_another_is_refused(lab: Lab, tmp_path: Path) -> None:
    text = lab.inventory.read_text()
    start = text.index('        (\n            "mx2.')
    end = text.index("        ),\n", start) + len("        ),\n")
    alone = changed(lab, tmp_path, text[start:end], "")
    said = refused(lab, alone)
    assert f"{EXAMPLE} MX 20 mx2.{EXAMPLE} leads mail to that name" in said
    assert f"--data forget_host=mx2.{EXAMPLE}" in said


def test_the_sync_refuses_a_renamed_host_as_the_deploy_does(lab: Lab, tmp_path: Path) -> None:
    renamed = changed(lab, tmp_path, '"ssh_user"', '"hostname": "mail.example.test", "ssh_user"')
    before = records(lab)
    for options in (["--dry-run"], []):
        run = subprocess.run(
            [sys.executable, "-m", "dns.sync", EXAMPLE, "--inventory", str(renamed), *options],
            cwd=ROOT,
            env={**os.environ, **lab.environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert run.returncode == 1
        assert f"--forget-host mx1.{EXAMPLE}" in run.stderr
    assert records(lab) == before


def test_a_mailbox_taken_out_is_refused_to_senders_and_its_mail_is_named(lab: Lab, tmp_path: Path) -> None:
    run = done(deploy(lab, "-y", inventory=changed(lab, tmp_path, '["alice", "bob"]', '["alice"]')))
    assert f"bob@{EXAMPLE} is no longer a mailbox" in run.stderr
    assert f"/var/lib/letterbox/mail/{EXAMPLE}/bob" in run.stderr
    assert replies(lab, f"bob@{EXAMPLE}") == "550"


def test_a_configuration_that_cannot_be_read_is_not_taken_for_none(lab: Lab) -> None:
    """A broken file is put back where a generation tells what the host serves; else nothing is touched."""
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
