"""The sandbox of one IMAP session: a transient unit of systemd without a network. Pure.

It is as narrow as that of letterbox.service (systemd.exec(5)). In place of the mail folder it finds one
mailbox. So a fault in Dovecot gives a reader no other mailbox, and neither the key nor the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UNIT = "letterbox-imap-"
"""The names of the units begin so."""
_USER = "letterbox"
# The paths in the sandbox, as Dovecot's configuration has them.
_MAIL, _OWN = "/var/lib/letterbox/mail", "/var/lib/letterbox/imap"

_PROPERTIES = """\
UMask=0077
SyslogIdentifier=letterbox-imap
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
PrivateMounts=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
ProcSubset=pid
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
IPAddressDeny=any
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
PrivateUsers=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
MemoryMax=512M
TasksMax=16
InaccessiblePaths=-/opt/letterbox -/run/letterbox -/var/lib/letterbox-certificate
TemporaryFileSystem=/var/lib/letterbox:ro /etc/letterbox:ro
"""


@dataclass(frozen=True, slots=True)
class Session:
    """One session: the mailbox by its address, its Maildir, Dovecot's folder for it, and who speaks IMAP."""

    address: str
    maildir: Path
    own: Path
    program: Path
    configuration: Path


def command(session: Session, name: str) -> list[str]:
    """The arguments of systemd-run(1) for a session in a unit whose name ends in `name`.

    The unit gets our standard input and output themselves, and is forgotten when it has ended.
    """
    return [
        "systemd-run",
        "--quiet",
        "--pipe",
        "--wait",
        "--collect",
        "--service-type=exec",
        f"--unit={UNIT}{name}.service",
        f"--description=IMAP for {session.address}",
        f"--uid={_USER}",
        f"--gid={_USER}",
        f"--setenv=USER={session.address}",
        *(f"--property={line}" for line in (*_PROPERTIES.splitlines(), *_binds(session))),
        "--",
        str(session.program),
        "-c",
        str(session.configuration),
    ]


def _binds(session: Session) -> Iterator[str]:
    yield f"BindPaths={quoted(session.maildir)}:{_MAIL}"
    yield f"BindPaths={quoted(session.own)}:{_OWN}"
    yield f"BindReadOnlyPaths={quoted(session.configuration)}"


def quoted(path: Path) -> str:
    """The path as systemd reads it in a list of pairs: a backslash before what would end it or change it."""
    return "".join(f"\\{each}" if each in "\\\"': \t" else each for each in str(path))
