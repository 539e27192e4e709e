"""A user who is not root reads the mailbox that the inventory gives to him, and can do nothing else."""

from __future__ import annotations

import shlex

import pytest

from provision.host import layout
from tests.provision.imap.place import ALICE, BOB, IMAP, Place, said

SUDO = ("sudo", "-n", layout.COMMAND)
OTHERS = (
    # another mailbox, more or fewer words, options, another spelling
    (*SUDO, "imap", BOB),
    (*SUDO, "imap"),
    (*SUDO, "imap", ALICE, BOB),
    (*SUDO, "imap", BOB, ALICE),
    (*SUDO, "imap", "--help", ALICE),
    (*SUDO, "imap", "--", ALICE),
    (*SUDO, "imap", f"{ALICE} "),
    (*SUDO, "imap", "ALICE@example.test"),
    # other commands
    (*SUDO, "show", "1"),
    (*SUDO, "list"),
    (*SUDO,),
    ("sudo", "-n", "/usr/bin/python3", layout.COMMAND, "imap", ALICE),
    ("sudo", "-n", "/bin/sh"),
    ("sudo", "-n", "-i"),
    ("sudo", "-n", "-s"),
    ("sudo", "-n", "systemd-run", "--pipe", "id"),
    ("sudo", "-n", "cat", layout.CONFIGURATION),
    ("sudo", "-n", "-e", layout.CONFIGURATION),
    # the allowed command as somebody else, elsewhere, or in another environment
    ("sudo", "-n", "-u", "letterbox", layout.COMMAND, "imap", ALICE),
    ("sudo", "-n", "-g", "shadow", layout.COMMAND, "imap", ALICE),
    ("sudo", "-n", "-D", "/tmp", layout.COMMAND, "imap", ALICE),
    ("sudo", "-n", "-R", "/home/carol", layout.COMMAND, "imap", ALICE),
    ("sudo", "-n", "-E", layout.COMMAND, "imap", ALICE),
    ("sudo", "-n", "PYTHONPATH=/home/carol", layout.COMMAND, "imap", ALICE),
    ("sudo", "-n", "LD_PRELOAD=/home/carol/x.so", layout.COMMAND, "imap", ALICE),
)


def test_a_reader_reads_her_mailbox_with_the_command_that_root_uses(imap_lab: Place) -> None:
    imap_lab.empty()
    assert imap_lab.send(["for alice"]) == ["for alice"]
    assert imap_lab.send(["for bob"], BOB) == ["for bob"]
    imap_lab.wait_for(1)
    imap_lab.wait_for(1, BOB)
    for user, mailbox, subject in (("carol", ALICE, b"for alice"), ("dave", BOB, b"for bob")):
        with imap_lab.session(mailbox, user) as client:
            assert client.untagged_responses["EXISTS"] == [b"1"]
            _, answer = client.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            assert isinstance(answer[0], tuple) and subject in answer[0][1]


@pytest.mark.parametrize(("user", "mailbox"), [("carol", BOB), ("dave", ALICE), ("erin", ALICE)])
def test_another_mailbox_is_refused_and_what_allows_it_is_said(
    imap_lab: Place, user: str, mailbox: str
) -> None:
    done = said(imap_lab, "letterbox", "imap", mailbox, user=user)
    assert (done.returncode, done.stdout) == (77, "")
    assert done.stderr == (
        f'letterbox: {user} may not read {mailbox}: with "readers": {{"{mailbox}": ["{user}"]}} for the host '
        "in the inventory, deploy.py allows it\n"
    )


def test_sudo_allows_a_reader_nothing_else(imap_lab: Place) -> None:
    """One ssh session for all, and a line for each: the exit code of sudo, and what the command printed."""
    lines = [f"{shlex.join(each)} </dev/null >out 2>err; echo $? $(head -c 60 out)" for each in OTHERS]
    done = imap_lab.lab.target.run("\n".join(lines), user="carol")
    found = dict(zip((shlex.join(each) for each in OTHERS), done.stdout.splitlines(), strict=True))
    assert found == dict.fromkeys(found, "1")
    # sudo compares the words with a space between, so this is one word to us, and no command of ours.
    assert said(imap_lab, *SUDO, f"imap {ALICE}", user="carol").returncode == 2
    # The same way lets the right words through.
    assert said(imap_lab, *SUDO, "imap", ALICE, user="carol").returncode == 0


def test_the_readers_surroundings_change_nothing(imap_lab: Place) -> None:
    """Her environment, folder, umask and descriptors do not reach what runs as root."""
    hostile = (
        "mkdir -p x/receiver && echo 'raise SystemExit(99)' > x/receiver/__init__.py && "
        "cp -r x/receiver . && "
        "printf '#!/bin/sh\\nexit 98\\n' > x/systemd-run && chmod +x x/systemd-run && "
        "export PYTHONPATH=$PWD/x PATH=$PWD/x:$PATH USER=bob@example.test; "
        f"umask 0; printf 'a LOGOUT\\r\\n' | {shlex.join([*SUDO, 'imap', ALICE])}"
    )
    done = imap_lab.lab.target.run(hostile, user="carol")
    assert f"Logged in as {ALICE}" in done.stdout


def test_a_user_who_is_not_there_is_said_before_anything_is_changed(imap_lab: Place) -> None:
    before = imap_lab.lab.target.read(layout.SUDOERS)
    keys = {**IMAP, "readers": {ALICE: ["nobody-of-this-name"]}}
    with pytest.raises(AssertionError) as failed:
        imap_lab.deploy(keys)
    assert "readers: the host has no user nobody-of-this-name: make it" in str(failed.value)
    assert "Nothing was changed" in str(failed.value)
    assert imap_lab.lab.target.read(layout.SUDOERS) == before


def test_a_reader_who_is_taken_out_reads_no_more(imap_lab: Place) -> None:
    run = imap_lab.deploy({**IMAP, "readers": {BOB: ["dave"]}})
    assert run.changed() == ["IMAP, if wanted"]
    assert said(imap_lab, "letterbox", "imap", ALICE, user="carol").returncode == 77
    assert said(imap_lab, "letterbox", "imap", BOB, user="dave").returncode == 0
    assert imap_lab.deploy().changed() == ["IMAP, if wanted"]
