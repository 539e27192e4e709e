"""A host with `keep` and `quota`: the timer, its sandbox, and what a sender to a full mailbox is told."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.host import layout
from tests.deploys import deploy
from tests.lab.lab import Lab
from tests.provision.admin.letters import doctor
from tests.waiting import wait_until

BOB = f"{layout.MAIL}/example.test/bob"
STEP = "Old mail: removed, if wanted"
UNITS = f"{layout.UNIT_FOLDER}/{layout.KEEP_SERVICE} {layout.UNIT_FOLDER}/{layout.KEEP_TIMER}"
# An old message, which a client has flagged, and a young one of 6000 octets.
LETTERS = f"""
old="$(date -d '-31 days' +%s).M000001P1Q1R0123abcd.mx1.example.test:2,S"
mkdir -p {BOB}/tmp {BOB}/new {BOB}/cur {BOB}/.Archive/cur
touch "{BOB}/cur/$old" "{BOB}/.Archive/cur/$old"
head -c 6000 /dev/zero > {BOB}/new/$(date +%s).M000002P1Q2R0123abcd.mx1.example.test
chown -R letterbox: {layout.MAIL}/example.test && chmod -R u=rwX,go= {layout.MAIL}/example.test
"""
RCPT = """
import smtplib, sys
with smtplib.SMTP("127.0.0.1") as session:
    session.ehlo()
    session.mail("zoe@sender.test")
    for name in sys.argv[1:]: print(*session.rcpt(f"{name}@example.test"))
"""


@pytest.fixture
def kept(deployed: Lab, tmp_path: Path) -> Iterator[tuple[Lab, Path]]:
    """The lab with old mail of bob, and an inventory that removes it. Afterwards his mail is gone."""
    inventory = tmp_path / "inventory.py"
    text, boxes = deployed.inventory.read_text(), '"mailboxes": ["alice", "bob"],'
    assert text.count(boxes) == 1
    options = '{"alice": {}, "bob": {"keep": {"days": 30}, "quota": 5000}},'
    inventory.write_text(text.replace(boxes, f'"mailboxes": {options}'))
    deployed.target.run(f"rm -rf {BOB}; {LETTERS}")
    yield deployed, inventory
    deployed.target.run(f"rm -rf {BOB}")


def test_old_mail_goes_daily_a_full_mailbox_is_told_and_without_keep_the_timer_is_gone(
    kept: tuple[Lab, Path],
) -> None:
    lab, inventory = kept
    target = lab.target
    run = deploy(lab, "-y", "--json", inventory=inventory)
    assert (run.code, run.changed_now()) == (0, ["Configuration", "Service", STEP]), run.stderr
    again = deploy(lab, "-y", "--json", inventory=inventory)
    assert (again.code, again.changed_now()) == (0, []), again.stderr

    # The receiver has counted bob's mail when it started.
    ask = f"python3 -c {shlex.quote(RCPT)} bob alice"
    said = wait_until(lambda: (out := target.run(ask).stdout).startswith("452") and out, "bob is counted")
    assert re.fullmatch(r"452 b'4.2.2 <bob@example.test>: mailbox full.*'\n250 b'2.1.5.*'\n", said), said
    assert doctor(lab)["quota"]["holds"] is False

    assert layout.KEEP_TIMER in target.run(f"systemctl list-timers --no-legend {layout.KEEP_TIMER}").stdout
    dry = target.run("letterbox keep --dry-run --text").stdout
    assert dry.startswith("bob@example.test: 2 messages would go, 0 B, older than 30 days, "), dry
    target.run(f"systemctl start {layout.KEEP_SERVICE}")
    assert target.run(f"find {BOB} -type f | grep -c .").stdout == "1\n"
    # What a unit printed may come into the journal after its end.
    journal = f"journalctl -b -o cat -u {layout.KEEP_SERVICE}"
    removed = "bob@example.test: 2 messages removed"
    wait_until(lambda: removed in target.run(journal).stdout, lambda: target.run(journal).stdout)
    target.run(f"test $(stat -c %U:%a {layout.MAIL}/.keep/state.json) = letterbox:600")

    security = target.run(f"systemd-analyze security --no-pager {layout.KEEP_SERVICE}").stdout
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", security)
    assert exposure and float(exposure[1]) <= 0.6, security.splitlines()[-1]
    assert "letterbox" not in target.run(f"systemd-analyze verify --man=no {UNITS}").stderr

    back = deploy(lab, "-y", "--json")
    assert (back.code, back.changed_now()) == (0, ["Configuration", "Service", STEP]), back.stderr
    assert target.run(f"ls {UNITS}", check=False).stdout == ""
    assert "letterbox-keep" not in target.run("systemctl list-units --all --no-legend 'letterbox*'").stdout
    assert target.run(ask).stdout.startswith("250")
