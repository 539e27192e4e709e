"""Releases on the host: unpacked whole under their digest, and switched by one rename."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterator

from pyinfra import context
from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation

from provision.desired import archive
from provision.desired.files import link_commands
from provision.desired.state import Desired, desired
from provision.host import layout
from provision.host.observed import Observed
from provision.step import Commands, changes, forget, observe, refuse

# The labels that the host's SELinux policy has for a program and its libraries, in place of those of the
# folder that they were unpacked in.
_LABEL = "if command -v restorecon >/dev/null; then restorecon -RF {}; fi"


def unpack_command(digest: str, packed: bytes) -> StringCommand:
    """Unpack an archive under its digest: into a folder of its own, checked, compiled, then renamed."""
    partial, final = f"{layout.RELEASES}/.{digest}", f"{layout.RELEASES}/{digest}"
    steps = (
        "umask 022",
        f"rm -rf {partial}",
        f"mkdir -p {partial}",
        f"base64 -d > {partial}/archive",
        f"echo '{hashlib.sha256(packed).hexdigest()}  {partial}/archive' | sha256sum --quiet -c",
        f"tar -xzf {partial}/archive -C {partial} --no-same-owner",
        f"rm {partial}/archive",
        f"python3 -m compileall -q --invalidation-mode unchecked-hash {partial}/lib",
        f"{partial}/bin/letterbox --version >/dev/null",
        f"sync -f {partial}",
        f"mv -T {partial} {final}",
        _LABEL.format(final),
    )
    text = base64.encodebytes(packed).decode()
    return StringCommand("sh -c", shlex.quote(" && ".join(steps)), _stdin=text)


@operation()
def unpacked() -> Commands:
    """The release is on the host, complete, beside the one that runs."""
    seen, wanted = observe(), desired()
    if wanted.release in seen.releases:
        context.host.noop(f"release {wanted.release} is unpacked")
        return
    try:
        packed = archive.archive(archive.Platform(seen.python, seen.machine))
    except archive.BuildError as error:
        yield from refuse(f"cannot build the release: {error}")
        return
    yield unpack_command(wanted.release, packed)
    forget()


def switch_commands(seen: Observed, wanted: Desired) -> Iterator[StringCommand]:
    """Point `current` and the command at the release."""
    for path, target in (
        (layout.CURRENT, f"releases/{wanted.release}"),
        (layout.COMMAND, layout.COMMAND_TARGET),
    ):
        yield from link_commands(seen, path, target)


@operation()
def current() -> Commands:
    """`current` is the wanted release."""
    yield from changes(switch_commands(observe(), desired()), "current is the wanted release")
