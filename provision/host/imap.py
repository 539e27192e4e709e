"""What a host has of Dovecot, and of what the deploy has made for `letterbox imap`.

A host without Dovecot costs no process to ask.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from provision.host import layout

DOVECOT_UNITS = ("dovecot.service", "dovecot.socket")
LABEL = "mail_spool_t"
"""SELinux's type for mail. A confined Dovecot may read and write it, and so may the receiver."""
_UNITS = " ".join(DOVECOT_UNITS)

PROBE = f"""\
[ -d {layout.IMAP_FOLDER} ] && echo begun yes
[ -e {layout.IMAP_MASKED} ] && echo masked yes
[ -x /usr/libexec/dovecot/imap ] || [ -x /usr/lib/dovecot/imap ] && echo imap yes
[ -x /usr/sbin/dovecot ] && {{
  echo dovecot $(dovecot --version)
  echo enabled $(systemctl is-enabled {_UNITS})
  echo active $(systemctl is-active {_UNITS})
}}
[ -e /sys/fs/selinux/enforce ] && {{
  echo selinux yes
  [ -d {layout.IMAP_FOLDER} ] && echo label $(stat -c %C {layout.MAIL}) $(matchpathcon -n {layout.MAIL})
  command -v semanage >/dev/null && echo semanage yes
}}"""


@dataclass(frozen=True, slots=True)
class Imap:
    """What the host has. A value is empty if it lacks the thing."""

    begun: bool = False
    """Whether the deploy has made something for `letterbox imap`."""
    masked: bool = False
    """Whether it was the deploy that masked Dovecot's own service."""
    has_imap: bool = False
    """Whether Dovecot's `imap` is installed."""
    dovecot: str = ""
    """The version of Dovecot, as `2.4`."""
    serves: bool = False
    """Whether Dovecot's own service runs, or will run after the next boot."""
    selinux: bool = False
    """Whether SELinux is enabled, enforcing or not."""
    semanage: bool = False
    labelled: bool = False
    """Whether the mail folder has the label of mail, and keeps it after `restorecon`."""


def parse_imap(lines: Iterable[str]) -> Imap:
    """What the probe printed."""
    said = {name: rest for name, _, rest in (line.strip().partition(" ") for line in lines)}
    version = re.match(r"\d+\.\d+", said.get("dovecot", ""))
    labels = said.get("label", "").split()
    return Imap(
        begun="begun" in said,
        masked="masked" in said,
        has_imap="imap" in said,
        dovecot=version[0] if version else "",
        serves="enabled" in said.get("enabled", "").split() or "active" in said.get("active", "").split(),
        selinux="selinux" in said,
        semanage="semanage" in said,
        labelled=len(labels) == 2 and all(f":{LABEL}:" in label for label in labels),
    )
