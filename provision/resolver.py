"""Our own resolver, on hosts whose systemd-resolved cannot be asked: its units and its program.

The receiver asks DNS over a Unix socket. If systemd-resolved is there and knows the call, nothing of this is
on the host. It is no part of a generation. Its service is the first file that is written and the last one
that is removed, so a run that was cut off is seen by the next one.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pyinfra.api.command import StringCommand

from provision.desired import archive
from provision.desired.archive import Platform
from provision.desired.files import sha256, unit_commands
from provision.desired.state import desired
from provision.host import layout
from provision.host.observed import Observed
from provision.host.services.resolver import OwnResolver
from provision.release import program_commands
from provision.run.step import Decision, observe, step

_FILES = Path(__file__).resolve().parents[1] / "files"
_SERVICE, _SOCKET = layout.RESOLVER_SERVICE, layout.RESOLVER_SOCKET_UNIT


@dataclass(frozen=True, slots=True)
class WantedResolver:
    """What a host that needs our resolver should have: the texts of its units, the digest of its program."""

    service: str
    socket: str
    program: str


def wanted(platform: Platform) -> WantedResolver:
    """What this checkout has for a host."""
    service, socket = ((_FILES / name).read_text() for name in (_SERVICE, _SOCKET))
    return WantedResolver(service, socket, archive.digest(platform, archive.RESOLVER))


def commands(seen: Observed, wanted: WantedResolver | None) -> Iterator[StringCommand]:
    """Make what is missing, or take all of it away. Raises DeployError if the program cannot be built."""
    if wanted is None:
        if seen.own_resolver is not None:
            yield removal()
        return
    now = seen.own_resolver or OwnResolver()
    texts = {_SERVICE: (now.service, wanted.service), _SOCKET: (now.socket, wanted.socket)}
    changed = [name for name, (there, text) in texts.items() if there != sha256(text)]
    if _SERVICE in changed:
        yield from unit_commands(seen, _SERVICE, wanted.service)
    if now.program != wanted.program:
        yield from program_commands(
            seen, archive.RESOLVER, wanted.program,
            into=layout.RESOLVER_PROGRAM, called="the resolver of the sender checks",
        )  # fmt: skip
    if _SOCKET in changed:
        yield from unit_commands(seen, _SOCKET, wanted.socket)
    if changed or now.needs_reload:
        yield StringCommand("systemctl daemon-reload")
    if not now.listens or _SOCKET in changed:
        # The service must be down while systemd opens the socket.
        opened = f"systemctl stop {_SERVICE} {_SOCKET} && systemctl enable -q --now {_SOCKET}"
        yield StringCommand(f"{opened} && systemctl start {_SERVICE}")
    elif _SERVICE in changed or now.program != wanted.program or now.is_old:
        yield StringCommand(f"systemctl restart {_SERVICE}")


def removal() -> StringCommand:
    """Take the units and the program away."""
    shell = f"""\
set -u
systemctl disable -q --now {_SOCKET}
systemctl stop {_SERVICE}
rm -rf {layout.RESOLVER_PROGRAM} {Path(layout.RESOLVER).parent} {layout.UNIT_FOLDER}/{_SOCKET}
rm -f {layout.UNIT_FOLDER}/{_SERVICE}
systemctl daemon-reload"""
    return StringCommand("sh -c", shlex.quote(shell))


@step
def there() -> Decision:
    """Our own resolver is there if the host needs it, and gone if not."""
    seen, needed = observe(), desired().own_resolver
    found = wanted(Platform(seen.python, seen.machine)) if needed else None
    otherwise = "our own resolver is as it should be" if needed else "the host needs no resolver of ours"
    return Decision(commands(seen, found), otherwise)


@step
def removed() -> Decision:
    """Our own resolver is gone."""
    return Decision(commands(observe(), None), "there is no resolver of ours")
