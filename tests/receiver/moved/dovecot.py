"""A session of Dovecot's imap on a pipe, as `letterbox imap` speaks it on a host."""

from __future__ import annotations

import contextlib
import imaplib
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

PROGRAM = next(
    (path for path in ("/usr/lib/dovecot/imap", "/usr/libexec/dovecot/imap") if Path(path).exists()), ""
)
WHY_NOT = "no Dovecot is installed (apt-get install dovecot-imapd)"
_USER = 1000  # Dovecot refuses root, so root runs it in a user namespace in which root has this number

_COMMON = """
mail_home = {own}
mail_uid = {user}
mail_gid = {group}
mail_privileged_group =
first_valid_uid = 1
first_valid_gid = 0
base_dir = {own}/run
log_path = {own}/log
imap_hibernate_timeout = 0
ssl = no
namespace inbox {{
  inbox = yes
  separator = /
}}
"""
_IN_2_3 = "mail_location = maildir:{box}:CONTROL={own}/control:INDEX={own}/index"
_IN_2_4 = """dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
mail_driver = maildir
mail_path = {box}
mail_inbox_path = {box}
mail_control_path = {own}/control
mail_index_path = {own}/index
"""


class Session(imaplib.IMAP4_stream):
    """A session that is logged in. `do` is for all commands, and fails unless the answer is OK."""

    def do(self, command: str, *arguments: str) -> list[str]:
        """Give a command. Returns the untagged answers of its own name, or those to the command."""
        kind, answers = self.xatom(command, *arguments)
        assert kind == "OK", (command, arguments, answers)
        return [each.decode() for each in answers if isinstance(each, bytes)]

    def put(self, folder: str, message: bytes) -> None:
        """Append a message, as a client does that has it from anywhere."""
        assert self.append(folder, "", "", message)[0] == "OK"


# The extensions that imaplib does not know, with the states in which they may be used.
imaplib.Commands.setdefault("MOVE", ("SELECTED",))


@contextlib.contextmanager
def session(box: Path, own: Path) -> Iterator[Session]:
    """Begin a session for the mailbox at `box`, with INBOX selected. `own` is for what Dovecot writes."""
    own.mkdir(exist_ok=True)
    user, group, enter = os.geteuid(), os.getegid(), ""
    if user == 0:
        user, group, enter = _USER, _USER, f"unshare --user --map-user={_USER} --map-group={_USER} "
    found = subprocess.run(["dovecot", "--version"], capture_output=True, text=True, check=True).stdout
    text = (_IN_2_3 if found.startswith("2.3") else _IN_2_4) + _COMMON
    configuration = own / "dovecot.conf"
    configuration.write_text(text.format(box=box, own=own, user=user, group=group))
    environment = f"env -i USER=alice@example.test PATH={shlex.quote(os.environ['PATH'])}"
    client = Session(f"{environment} {enter}{PROGRAM} -c {shlex.quote(str(configuration))}")
    try:
        assert client.select("INBOX")[0] == "OK"
        yield client
    finally:
        with contextlib.suppress(imaplib.IMAP4.error, OSError, ValueError):
            client.logout()
        client.process.wait(60)


def is_installed() -> bool:
    """Whether the tests can run here."""
    return bool(PROGRAM) and shutil.which("unshare") is not None
