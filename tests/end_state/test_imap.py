"""`letterbox imap`: there if the inventory wants it, without a port, and gone if not."""

from __future__ import annotations

import pytest

from dns.inventory.host_imap import WantedImap
from provision.host import layout
from provision.imap import sudoers


@pytest.fixture
def wanted(mail_host) -> WantedImap:
    if mail_host.imap is None:
        pytest.skip("the inventory wants no imap for it")
    return mail_host.imap


def test_nothing_of_it_is_there_unless_it_is_wanted(host, mail_host) -> None:
    if mail_host.imap is not None:
        pytest.skip("the inventory wants it")
    assert not host.file(layout.IMAP_FOLDER).exists
    assert not host.file(layout.SUDOERS).exists


def test_a_session_could_begin(host, wanted) -> None:
    said = host.run(f"printf 'a LOGOUT\\r\\n' | {layout.COMMAND} imap nobody@nowhere.invalid")
    assert said.rc == 67, said.stderr  # what is looked at before the mailbox is as it should be


def test_the_rules_are_those_of_the_inventory_and_sudo_accepts_them(host, wanted) -> None:
    file = host.file(layout.SUDOERS)
    if not wanted.readers:
        assert not file.exists
        return
    assert (file.user, file.group, oct(file.mode)) == ("root", "root", "0o440")
    assert file.content_string == sudoers.text(wanted)
    assert host.run(f"visudo -cqf {layout.SUDOERS}").rc == 0


def test_dovecot_listens_nowhere_unless_somebody_runs_its_service(host, wanted) -> None:
    if not host.file(layout.IMAP_MASKED).exists:
        pytest.skip("Dovecot was there before")
    assert "dovecot" not in host.check_output("ss -Hltnp")
    for unit in ("dovecot.service", "dovecot.socket"):
        assert host.file(f"{layout.UNIT_FOLDER}/{unit}").linked_to == "/dev/null"


def test_no_session_is_left(host, wanted) -> None:
    failed = "systemctl list-units --all --state=failed --plain --no-legend 'letterbox-imap-*'"
    assert host.check_output(failed) == ""
