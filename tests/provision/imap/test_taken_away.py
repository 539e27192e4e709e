"""`imap` is taken out of the inventory, and comes again. The tests of other modules come before."""

from __future__ import annotations

from provision.host import layout
from tests.provision.imap.place import ALICE, Place, said


def test_without_imap_nothing_of_it_stays_but_the_package_and_what_belongs_to_the_mail(
    imap_lab: Place,
) -> None:
    target = imap_lab.lab.target
    dry = imap_lab.deploy({}, "--dry", "--json")
    assert dry.changed() == ["IMAP, if wanted"]
    assert said(imap_lab, "letterbox", "imap", ALICE).returncode == 0

    run = imap_lab.deploy({})
    assert run.changed() == ["IMAP, if wanted"]
    assert "imap is not in the inventory any more" in run.stderr + run.stdout
    for path in (layout.IMAP_FOLDER, layout.SUDOERS, "/etc/systemd/system/dovecot.service"):
        assert target.run(["test", "-e", path], check=False).returncode == 1, path
    assert target.run(["test", "-d", f"{layout.IMAP_STATE}/example.test/alice"]).returncode == 0
    states = target.run("systemctl is-enabled dovecot.service dovecot.socket", check=False).stdout.split()
    assert states == ["disabled", "disabled"]
    done = said(imap_lab, "letterbox", "imap", ALICE)
    assert done.returncode == 69
    assert '"imap": True' in done.stderr
    assert said(imap_lab, "letterbox", "imap", ALICE, user="carol").returncode != 0
    assert imap_lab.deploy({}).changed() == []
    assert imap_lab.ports_seen() == {22, 25}

    # It comes again, to a Dovecot that is there and whose service is off.
    assert imap_lab.deploy().changed() == ["IMAP, if wanted"]
    assert said(imap_lab, "letterbox", "imap", ALICE, user="carol").returncode == 0
    assert imap_lab.ports() == {22, 25}


def test_destroy_takes_it_off_the_host(imap_lab: Place) -> None:
    imap_lab.deploy(None, script="destroy.py")
    left = "ls -d /etc/letterbox /etc/sudoers.d/letterbox-imap /etc/systemd/system/dovecot.s* 2>/dev/null"
    assert imap_lab.lab.target.run(left, check=False).stdout == ""
