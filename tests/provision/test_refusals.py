"""What a deploy could damage, or would fail on halfway, is refused: from the host as it is, to one line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provision import account
from provision.host import layout
from provision.host.answer import parse_sections
from provision.host.observed import File, Listener, Observed
from provision.refusals import refusals
from tests.provision.hosts import BARE, DEPLOYED, with_file

POSTFIX = Listener("127.0.0.1:25", 812, "postfix@-.service", "master")
ACCOUNT = "letterbox:x:{}:{}::{}:{}"


def with_account(uid: int, home: str, shell: str) -> Observed:
    return replace(BARE, account=(ACCOUNT.format(uid, uid, home, shell), f"letterbox:x:{uid}:"))


def with_path(path: str, kind: str, target: str | None = None) -> Observed:
    return replace(BARE, files={path: File(kind, "root", "root", "755", target)})


REFUSED = {
    "another mail server": (
        replace(BARE, listeners=(POSTFIX, replace(POSTFIX, address="[::1]:25"))),
        "port 25 is taken by master (postfix@-.service, on 127.0.0.1:25 and [::1]:25): "
        "if nothing on the host sends mail by it, stop it for good, as root on the host, with "
        "`systemctl disable --now postfix`; or keep it for sending with `postconf -MX smtp/inet && "
        "systemctl restart postfix`; then run this again",
    ),
    "a program of nobody's unit": (
        replace(BARE, listeners=(Listener("*:25", 7, "", "python3"),)),
        "port 25 is taken by python3, on *:25",
    ),
    "another socket unit": (
        replace(BARE, listeners=(Listener("*:25", 1, "", "systemd"),)),
        "port 25 is held by systemd for another unit",
    ),
    "a person's account by its number": (
        with_account(1000, "/home/letterbox", "/bin/bash"),
        "the account letterbox seems to be a person's (user ID 1000, home /home/letterbox, shell /bin/bash)",
    ),
    "a person's account by its login": (
        with_account(500, "/home/letterbox", "/bin/zsh"),
        "the account letterbox seems to be a person's",
    ),
    "an image": (replace(BARE, image_based=True), "its system is an image (ostree)"),
    "a linked state folder": (
        with_path(layout.STATE_FOLDER, "symbolic link", "/data/mail"),
        "/var/lib/letterbox is a symbolic link (to /data/mail), and must be a folder: replace it by a mount",
    ),
    "a file for a folder": (with_path(layout.PROGRAM_FOLDER, "regular file"), "move it away"),
    "a folder for a file": (with_path(layout.CONFIGURATION, "directory"), "move it away"),
    "somebody's command of our name": (
        with_path(layout.COMMAND, "regular file"),
        "/usr/local/bin/letterbox is a regular file that is not the deploy's: move it away",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_its_name_and_the_fix(case) -> None:
    seen, said = REFUSED[case]
    (refusal,) = refusals(seen)
    assert refusal.startswith(said) or said in refusal


@pytest.mark.parametrize(
    "seen",
    [
        BARE,
        replace(
            DEPLOYED,
            listeners=(
                Listener("0.0.0.0:25", 1, "init.scope", "systemd"),
                Listener("0.0.0.0:25", 99, "letterbox.service", "letterbox"),
            ),
        ),
        with_account(990, "/home/x", "/sbin/nologin"),
        with_account(990, layout.STATE_FOLDER, "/bin/bash"),
        with_file(layout.CONFIGURATION, kind="symbolic link"),
    ],
)
def test_what_a_deploy_can_put_right_is_not_refused(seen: Observed) -> None:
    assert list(refusals(seen)) == []


def test_a_persons_account_is_not_removed_by_destroy() -> None:
    seen = with_account(1000, "/home/letterbox", "/bin/bash")
    assert list(account.removal_commands(seen, keep_mail=True)) == []


def test_who_listens_is_read_with_names_of_all_kinds() -> None:
    lines = ["0.0.0.0:25|7|exim4.service|exim 4|x", "[::]:25|8||smtpd", "noise", "*:25|?||x"]
    assert parse_sections({"uid": ["0"], "port 25": lines}).listeners == (
        Listener("0.0.0.0:25", 7, "exim4.service", "exim 4|x"),
        Listener("[::]:25", 8, "", "smtpd"),
    )
