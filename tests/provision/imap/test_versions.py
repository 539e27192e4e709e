"""The configurations, read by the Dovecot that each is for."""

from __future__ import annotations

import hashlib
import imaplib
import shlex
from pathlib import Path

import pytest

from dns.inventory.host_imap import WantedImap
from provision.imap.commands import needed
from tests.conftest import unavailable
from tests.lab import prerequisites
from tests.lab.errors import LabError
from tests.lab.machines import debian

UID = 54_321
LETTER = b"From: anna@sender.test\r\nSubject: hello\r\n\r\nHello Alice\r\n"


@pytest.mark.lab
@pytest.mark.parametrize(("suite", "version"), [("bookworm", "2.3"), ("trixie", "2.4")])
def test_this_version_reads_its_configuration(suite: str, version: str, tmp_path: Path) -> None:
    if reason := prerequisites.reason_not_to_run():
        unavailable(reason)
    try:
        root = debian.root(suite, "dovecot-imapd")
    except LabError as error:
        unavailable(str(error))
    wanted = needed(WantedImap())
    assert wanted
    for name in ("mail/new", "mail/cur", "mail/tmp", "imap"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "dovecot.conf").write_text(wanted.configurations[version])
    (tmp_path / "mail/new/1795638601.M1P1Q1.mx1").write_bytes(LETTER)
    there, dovecot = f"{root}/var/lib/letterbox", "/usr/lib/dovecot/imap -c /var/lib/letterbox/dovecot.conf"
    script = (
        f"chown -R {UID}:{UID} {tmp_path} && mkdir -p {there} && mount --bind {tmp_path} {there} && "
        "exec env -i USER=alice@example.com PATH=/usr/sbin:/usr/bin:/sbin:/bin "
        f"chroot --userspec={UID}:{UID} {root} {dovecot}"
    )
    command = ["unshare", "--mount", "--propagation=private", "--net", "sh", "-c", script]
    client = imaplib.IMAP4_stream(f"{shlex.join(command)} 2>{tmp_path}/said")
    assert client.welcome.endswith(b"Logged in as alice@example.com")
    assert client.select() == ("OK", [b"1"])
    _, answer = client.fetch("1", "(BODY.PEEK[])")
    (octets,) = (each[1] for each in answer if isinstance(each, tuple))
    assert hashlib.sha256(octets).digest() == hashlib.sha256(LETTER).digest()
    client.create("Archive")
    assert client.copy("1", "Archive")[0] == "OK"
    client.logout()
    mail = sorted(
        path.relative_to(tmp_path / "mail") for path in (tmp_path / "mail").rglob("*") if path.is_file()
    )
    folders = [path.parent.as_posix() for path in mail]
    assert folders in ([".Archive", f".Archive/{each}", "cur"] for each in ("cur", "new"))
    assert (mail[0].name, mail[2].name) == ("maildirfolder", "1795638601.M1P1Q1.mx1:2,")
    assert (tmp_path / "imap/control/.INBOX/dovecot-uidlist").is_file()
