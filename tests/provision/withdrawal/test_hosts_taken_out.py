"""Names of hosts taken out of the inventory, on real machines: refused unless named for the run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dns.plan import Change, Plan
from tests.deploys import ROOT, deploy
from tests.lab.lab import Lab
from tests.provision.withdrawal.two_hosts import EXAMPLE, SECOND, changed, done, records, refused, zones

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("as_deployed")]


def test_a_renamed_host_is_refused_while_an_mx_leads_to_its_name(lab: Lab, tmp_path: Path) -> None:
    renamed = changed(lab, tmp_path, '"ssh_user"', '"hostname": "mail.example.test", "ssh_user"')
    said = refused(lab, renamed)
    # The host's own name and the zone's plan both say so, for either domain. The first one ends the run, and
    # pyinfra has no fixed order of hosts.
    lead = f"({EXAMPLE}|{SECOND}) MX 10 mx1.{EXAMPLE} leads mail to (the old|that) name"
    assert re.search(lead, said), said
    assert f"--data forget_host=mx1.{EXAMPLE}" in said
    done(deploy(lab, "-y", "--data", f"forget_host=mx1.{EXAMPLE}", inventory=renamed))
    assert lab.world.lookup(EXAMPLE, "MX") == [f"10 mail.{EXAMPLE}.", f"20 mx2.{EXAMPLE}."]
    assert lab.world.lookup(f"mx1.{EXAMPLE}", "A") == []


def test_a_host_renamed_in_steps_never_leaves_a_name_without_addresses(lab: Lab, tmp_path: Path) -> None:
    """As docs/host.md says: the user takes over the old addresses, and deletes them later by hand."""
    renamed = changed(lab, tmp_path, '"ssh_user"', '"hostname": "mail.example.test", "ssh_user"')
    both = zones(lab)
    old = [held for held in records(lab)[EXAMPLE] if held.record.name == f"mx1.{EXAMPLE}"]
    theirs = [Change(held, replace(held.record, comment="until the MX has expired")) for held in old]
    assert both.change(both.holding(EXAMPLE), Plan((), patches=tuple(theirs))).confirmed
    said = refused(lab, renamed)
    assert f"its name is mx1.{EXAMPLE}, and the inventory calls it mail.{EXAMPLE}" in said
    done(deploy(lab, "-y", "--data", f"forget_host=mx1.{EXAMPLE}", inventory=renamed))
    assert lab.world.lookup(EXAMPLE, "MX") == [f"10 mail.{EXAMPLE}.", f"20 mx2.{EXAMPLE}."]
    assert lab.world.lookup(f"mx1.{EXAMPLE}", "A") == [lab.target.ipv4]
    by_hand = tuple(held for held in records(lab)[EXAMPLE] if held.record.name == f"mx1.{EXAMPLE}")
    assert len(by_hand) == 2
    assert both.change(both.holding(EXAMPLE), Plan((), deletes=by_hand)).confirmed


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
