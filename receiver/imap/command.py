"""The command line of `letterbox imap MAILBOX`.

Exit codes: that of Dovecot's imap, which is 0 after a session. 2: wrong usage. 67: no such mailbox (EX_NOUSER
of sysexits.h). 69: IMAP is not set up on this host (EX_UNAVAILABLE). 73: the folders of the mailbox cannot be
made (EX_CANTCREAT). 77: the user may not read this mailbox (EX_NOPERM). 78: the configuration is not for this
Dovecot (EX_CONFIG).
"""

from __future__ import annotations

import argparse
import os
import pwd
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from receiver.addresses import fold_domain, fold_local
from receiver.cli import configuration
from receiver.cli.command import Failure, run_command
from receiver.imap import dovecot, sandbox
from receiver.mailbox import Mailbox, is_folder_name
from receiver.recipients import unicode_domain
from receiver.storage.folders import Folders
from receiver.system import privileges

_COMMAND = "/usr/local/bin/letterbox"  # as the rules for readers name it
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_OWN = "imap"  # the folder beside the mail folder in which Dovecot keeps what it knows of the mailboxes


def main(argv: Sequence[str]) -> int:
    """Run `letterbox imap`. `argv` are the arguments after the command's name. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="letterbox imap",
        description="Speak IMAP for one mailbox on standard input and output, already logged in (PREAUTH). "
        "Mail clients run it over ssh, so it needs no port and no password.",
        epilog='For example in .mbsyncrc: Tunnel "ssh root@mx1.example.com letterbox imap alice@example.com"',
    )
    parser.add_argument("mailbox", metavar="MAILBOX", help="its address, such as alice@example.com")
    wanted = parser.parse_args(argv).mailbox
    return run_command(lambda: _as_root(wanted) if privileges.is_root() else _through_sudo(wanted))


def _as_root(wanted: str) -> NoReturn:
    """Become the session. Raises Failure if there can be none."""
    program = dovecot.program()
    table = configuration.read_table(None)
    mail = configuration.mail_folder(None)
    mailbox = find(wanted, table, mail)
    maildir = mail / mailbox.domain / mailbox.name
    own = mail.parent / _OWN / mailbox.domain / mailbox.name
    made = privileges.in_child(privileges.owner(mail), lambda: _make(mail, mailbox, own))
    if made != 0:
        raise Failure(f"{maildir}: the folders of the mailbox cannot be made", os.EX_CANTCREAT)
    session = sandbox.Session(str(mailbox), maildir, own, program, dovecot.CONFIGURATION)
    _leave_out_remarks()
    _become(sandbox.command(session, secrets.token_hex(8)))


def find(wanted: str, table: Mapping[str, object], mail: Path) -> Mailbox:
    """The mailbox of this address, which the configuration names or which has mail. Raises Failure."""
    local, _, domain = wanted.rpartition("@")
    if not local or not domain:
        raise Failure(f"{wanted}: is not an address: name the mailbox as alice@example.com", os.EX_NOUSER)
    given = table.get("domains")
    domains: Mapping[str, object] = given if isinstance(given, Mapping) else {}
    domain = fold_domain(domain)
    domain = next((name for name in domains if domain in (name, unicode_domain(name))), domain)
    mailbox = Mailbox(domain, fold_local(local))
    of_domain = domains.get(domain)
    named = of_domain.get("mailboxes") if isinstance(of_domain, Mapping) else None
    names = [str(name) for name in named] if isinstance(named, list) else []
    is_name = is_folder_name(mailbox.name) and is_folder_name(mailbox.domain)
    folder = mail / mailbox.domain / mailbox.name
    if not is_name or (mailbox.name not in names and not folder.is_dir()):
        known = ", ".join(f"{name}@{mailbox.domain}" for name in sorted(names))
        known = (
            f"the mailboxes of this domain are {known}" if known else "this host does not serve its domain"
        )
        raise Failure(f"{wanted}: no such mailbox: {known}", os.EX_NOUSER)
    for path in (folder, folder.parent):
        if path.is_symlink():
            raise Failure(f"{path}: is a symbolic link, and must be a folder", os.EX_NOUSER)
    return mailbox


def _make(mail: Path, mailbox: Mailbox, own: Path) -> int:
    """Make the Maildir as the receiver does, if no mail has come yet, and Dovecot's folder for it."""
    try:
        Folders(mail, claims=False).prepare(mailbox)
        for path in (own.parent.parent, own.parent, own):
            path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        print(f"letterbox: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _through_sudo(wanted: str) -> NoReturn:
    """Run the same command as root, if a rule of sudo allows this user exactly that. Raises Failure."""
    if not dovecot.CONFIGURATION.parent.parent.is_dir():
        dovecot.program()  # says what is missing
    command = ["--", _COMMAND, "imap", wanted]
    sudo = shutil.which("sudo", path=_PATH)
    if sudo is None or _is_refused([sudo, "-n", "-l", *command]):
        user = pwd.getpwuid(os.getuid()).pw_name
        raise Failure(
            f'{user} may not read {wanted}: with "readers": {{"{wanted}": ["{user}"]}} for the host in the '
            "inventory, deploy.py allows it",
            os.EX_NOPERM,
        )
    _become([sudo, "-n", *command])


def _is_refused(question: list[str]) -> bool:
    quiet = subprocess.DEVNULL
    return subprocess.run(question, stdin=quiet, stdout=quiet, stderr=quiet, check=False).returncode != 0


def _leave_out_remarks() -> None:
    """Let sed(1) pass standard error on, without the line that Dovecot writes at the end of each session.

    Outside its own service, Dovecot logs to standard error, whatever its configuration says. What goes wrong
    is for the user. But mail clients show all of it, and a scheduled one would send a mail each time.
    """
    path = _program("sed")
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.dup2(reading, 0)
        os.dup2(2, 1)  # nothing but the session may hold the client's output open
        os.closerange(3, 64)
        os.execve(path, ["sed", "-u", "/^imap(.*: Info: /d"], {"PATH": _PATH})  # noqa: S606
    os.dup2(writing, 2)


def _program(name: str) -> str:
    path = shutil.which(name, path=_PATH)
    if path is None:
        raise Failure(f"{name} is missing, and a session needs it", os.EX_UNAVAILABLE)
    return path


def _become(command: list[str]) -> NoReturn:
    """Replace this process, so that nothing of it waits beside the session."""
    os.execve(_program(command[0]), command, {"PATH": _PATH})  # noqa: S606 - there is no shell in between
