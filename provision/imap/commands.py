"""What a host needs for `letterbox imap`, decided from what it has. Pure.

Debian starts the service of Dovecot when it installs it, with the ports of IMAP. So the service is masked
before that, if Dovecot comes by this deploy. Nothing of this is part of a generation.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pyinfra.api.command import StringCommand

from dns.inventory.host_imap import WantedImap
from provision.desired.files import Folder, Text, folder_commands, text_commands
from provision.host import layout
from provision.host.imap import DOVECOT_UNITS, LABEL
from provision.host.observed import Observed
from provision.imap import sudoers
from provision.system import family, install_commands

VERSIONS = ("2.3", "2.4")
"""The versions of Dovecot for which there is a configuration."""
_FILES = Path(__file__).resolve().parents[2] / "files"
_UNITS = " ".join(DOVECOT_UNITS)
_LABELLED = "/var/lib/letterbox/(mail|imap)(/.*)?"
_BEGUN = Folder(layout.IMAP_FOLDER, "root", layout.USER, "750")
_STATE = Folder(layout.IMAP_STATE, layout.USER, layout.USER, "700")


@dataclass(frozen=True, slots=True)
class Needed:
    """What the inventory wants of a host, and the texts that follow from it."""

    configurations: dict[str, str]
    """By the version of Dovecot that reads it."""
    sudoers: str
    """Empty if there are no readers."""


def needed(wanted: WantedImap | None) -> Needed | None:
    """What this checkout has for a host. None if the inventory does not want it."""
    if wanted is None:
        return None
    texts = {version: (_FILES / f"dovecot-{version}.conf").read_text() for version in VERSIONS}
    return Needed(texts, sudoers.text(wanted))


def packages(seen: Observed) -> list[str]:
    """What must be installed."""
    if family(seen) == "debian":
        return [] if seen.imap.has_imap else ["dovecot-imapd"]
    wants_semanage = seen.imap.selinux and not seen.imap.semanage
    missing = [] if seen.imap.has_imap else ["dovecot"]
    return [*missing, *(["policycoreutils-python-utils"] if wants_semanage else [])]


def problems(seen: Observed) -> Iterator[str]:
    """Why IMAP cannot be set up on this host, with the fix: a line each."""
    now = seen.imap
    if now.serves and not now.has_imap:
        yield (
            "its Dovecot runs as a service without IMAP, and the package would let it open port 143: install "
            "dovecot-imapd yourself, with `protocols` in its configuration, and deploy again"
        )
    if now.has_imap and now.dovecot not in VERSIONS:
        known = " and ".join(VERSIONS)
        found = now.dovecot or "of an unknown version"
        yield f"its Dovecot is {found}, and this deploy knows {known}: take imap out of the inventory"


def commands(seen: Observed, wanted: Needed | None) -> Iterator[StringCommand]:
    """Make what is missing, or take all of it away but the package and what belongs to the mail."""
    now = seen.imap
    if wanted is None:
        if now.begun:
            yield removal(seen)
        return
    yield from folder_commands(seen, [_BEGUN])
    if not now.has_imap and not now.serves:
        mask = f"touch {layout.IMAP_MASKED} && systemctl mask -q {_UNITS}"
        yield StringCommand("sh -c", shlex.quote(mask))
    if missing := packages(seen):
        yield from install_commands(seen, missing)
    # Before the package is there, this step only tells that it will write the file.
    configuration = wanted.configurations.get(now.dovecot) or wanted.configurations[VERSIONS[-1]]
    yield from text_commands(seen, Text(layout.IMAP_CONFIGURATION, configuration, "root", layout.USER, "640"))
    yield from folder_commands(seen, [_STATE])
    if wanted.sudoers:
        yield from text_commands(
            seen, Text(layout.SUDOERS, wanted.sudoers, "root", "root", "440", sudoers.CHECK)
        )
    elif layout.SUDOERS in seen.files:
        yield StringCommand(f"rm -f {layout.SUDOERS}")
    if now.selinux and not now.labelled:
        yield StringCommand("sh -c", shlex.quote(_LABEL))


_LABEL = f"""\
set -eu
semanage fcontext -a -t {LABEL} '{_LABELLED}' 2>/dev/null || semanage fcontext -m -t {LABEL} '{_LABELLED}'
restorecon -R {layout.MAIL} {layout.IMAP_STATE}"""


def removal(seen: Observed) -> StringCommand:
    """End the sessions, and take away configuration, rules, masks and label.

    The package stays. Its service is disabled, so that no boot and no upgrade starts it.
    """
    unlabel = ""
    if seen.imap.selinux:
        unlabel = f"semanage fcontext -d '{_LABELLED}'\nrestorecon -R {layout.MAIL} {layout.IMAP_STATE}\n"
    shell = f"""\
set -u
rm -f {layout.SUDOERS}
systemctl stop 'letterbox-imap-*.service'
if [ -e {layout.IMAP_MASKED} ]; then
  systemctl unmask -q {_UNITS}
  systemctl disable -q {_UNITS} 2>/dev/null
fi
{unlabel}rm -rf {layout.IMAP_FOLDER}"""
    return StringCommand("sh -c", shlex.quote(shell))
