"""`letterbox imap` as root: what a client finds, what the session may do, and how it ends."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess

from provision.host import layout
from tests.provision.admin.letters import doctor
from tests.provision.imap.place import ALICE, BOB, MAIL, Place, said
from tests.waiting import wait_until

LETTER = b"x IDLE\r\n"


def test_no_port_was_opened_not_even_while_dovecot_was_installed(imap_lab: Place) -> None:
    assert imap_lab.ports_seen() == {22, 25}
    target = imap_lab.lab.target
    assert target.run("dpkg-query -W -f '${Status}' dovecot-imapd").stdout == "install ok installed"
    states = target.run("systemctl is-enabled dovecot.service dovecot.socket", check=False).stdout.split()
    assert states == ["masked", "masked"]
    assert imap_lab.deploy().changed() == []


def test_a_client_reads_the_stored_octets_and_leaves_nothing_but_mail_in_the_maildir(
    imap_lab: Place,
) -> None:
    imap_lab.empty()
    assert imap_lab.send(["one", "two"]) == ["one", "two"]
    imap_lab.wait_for(2)
    with imap_lab.session() as client:
        _, found = client.search(None, "SUBJECT", "one")
        _, answer = client.fetch(found[0].decode(), "(BODY[])")
        (octets,) = (each[1].replace(b"\r\n", b"\n") for each in answer if isinstance(each, tuple))
        assert hashlib.sha256(octets).hexdigest() in imap_lab.stored()
        client.create("Archive")
        assert client.copy(found[0].decode(), "Archive")[0] == "OK"
    target = imap_lab.lab.target
    there = target.run(f"find {MAIL}/alice -mindepth 1 ! -type d -printf '%P\\n'").stdout.split()
    assert len([name for name in there if name.startswith("cur/")]) == 2
    others = [re.sub("/[0-9].*", "/MESSAGE", name) for name in there if not name.startswith("cur/")]
    assert sorted(others) == [".Archive/cur/MESSAGE", ".Archive/maildirfolder"]
    wrong = f"find {layout.STATE_FOLDER} ! -user letterbox -o -type d ! -perm 700"
    assert target.run(wrong).stdout == ""


def test_a_client_is_told_of_what_arrives(imap_lab: Place) -> None:
    imap_lab.empty()
    with imap_lab.session() as client:
        client.send(LETTER)
        assert client.readline().startswith(b"+ idling")
        assert imap_lab.send(["while it waits"]) == ["while it waits"]
        assert client.readline() == b"* 1 EXISTS\r\n"
        client.send(b"DONE\r\n")
        while not client.readline().startswith(b"x OK "):
            pass


def test_a_mailbox_without_mail_is_empty_and_takes_mail_afterwards(imap_lab: Place) -> None:
    imap_lab.lab.target.run(f"rm -rf {MAIL}/bob")
    with imap_lab.session(BOB) as client:
        assert client.untagged_responses["EXISTS"] == [b"0"]
    assert imap_lab.send(["after"], BOB) == ["after"]
    imap_lab.wait_for(1, BOB)


def test_a_session_sees_its_mailbox_and_no_network_and_ends_with_the_client(imap_lab: Place) -> None:
    target = imap_lab.lab.target
    wait_until(lambda: imap_lab.units() == [], "the sessions of other tests have ended")
    with subprocess.Popen(
        shlex.split(imap_lab.tunnel("letterbox", "imap", ALICE)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as ssh:
        assert ssh.stdin and ssh.stdout and ssh.stderr
        assert b" PREAUTH " in os.read(ssh.stdout.fileno(), 65536)
        (unit,) = imap_lab.units()
        shown = target.run(f"systemctl show -p MainPID --value {unit}").stdout.strip()
        status = target.read(f"/proc/{shown}/status").decode()
        uid = target.run("id -u letterbox").stdout.strip()
        assert f"\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n" in status
        assert set(re.findall(r"^Cap\w+:\t(\w+)$", status, re.M)) == {"0" * 16}
        assert "\nNoNewPrivs:\t1\n" in status
        security = target.run(f"systemd-analyze security --no-pager {unit}").stdout
        exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", security)
        assert exposure and float(exposure[1]) <= 0.5, security

        def inside(command: str) -> str:
            done = target.run(f"nsenter -t {shown} -m -n {command}", check=False)
            return done.stdout + done.stderr

        assert set(inside(f"ls {layout.MAIL}").split()) == {"cur", "new", "tmp"}
        assert inside(f"ls {layout.STATE_FOLDER}").split() == ["imap", "mail"]
        assert inside(f"find {layout.CONFIGURATION_FOLDER} -type f") == f"{layout.IMAP_CONFIGURATION}\n"
        assert inside("ip -o link").count("\n") == 1
        for folder in ("/", "/etc", "/var/lib", layout.STATE_FOLDER, "/usr"):
            assert "Read-only file system" in inside(f"touch {folder}/letterbox-test")

        ssh.kill()  # as a laptop that is closed
        assert ssh.wait() == -9
    wait_until(lambda: imap_lab.units() == [], "the session has ended, and its unit is forgotten")


def test_what_is_wrong_is_said_on_standard_error_with_an_exit_code(imap_lab: Place) -> None:
    for words, code, text in (
        (
            ("nobody@example.test",),
            67,
            "nobody@example.test: no such mailbox: the mailboxes of this domain are",
        ),
        (("alice@other.test",), 67, "this host does not serve its domain"),
        (("../../etc@example.test",), 67, "no such mailbox"),
        (("alice",), 67, "is not an address"),
        ((), 2, "the following arguments are required: MAILBOX"),
    ):
        done = said(imap_lab, "letterbox", "imap", *words)
        assert (done.returncode, done.stdout) == (code, "")
        assert text in done.stderr
        assert "Traceback" not in done.stderr
    assert imap_lab.units() == []


def test_another_version_of_dovecot_is_said_and_the_next_deploy_mends_it(imap_lab: Place) -> None:
    target = imap_lab.lab.target
    assert doctor(imap_lab.lab)["imap"]["holds"] is True
    target.run(f"sed -i '1s/# Dovecot 2.4:/# Dovecot 2.3:/' {layout.IMAP_CONFIGURATION}")
    done = said(imap_lab, "letterbox", "imap", ALICE)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == (
        f"letterbox: Dovecot is 2.4, and {layout.IMAP_CONFIGURATION} was written for 2.3: "
        "run deploy.py again\n"
    )
    link = doctor(imap_lab.lab)["imap"]
    assert (link["holds"], link["look"]) == (None, "pyinfra inventory.py deploy.py")
    assert imap_lab.deploy().changed() == ["IMAP, if wanted"]
    assert doctor(imap_lab.lab)["imap"]["holds"] is True
