"""Releases on the host. Each is unpacked whole under its digest, and one rename switches to it."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterator

from pyinfra import context
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError

from provision.desired.archive import BuildError, Platform, Program, archive
from provision.desired.files import link_commands, still
from provision.desired.state import Desired, desired
from provision.host import layout
from provision.host.observed import Observed
from provision.run.step import Decision, observe, step

MANIFEST = "manifest"
"""The file in a release that has the SHA-256 of every other one, in the form of sha256sum(1).

It is made on the host, when the archive has been checked against its own digest, because the files that
Python has compiled there are executed too.
"""

# The files get the labels that the host's SELinux policy has for a program and its libraries, in place of
# those of the folder in which they were unpacked.
_LABEL = "if command -v restorecon >/dev/null; then restorecon -RF {}; fi"


def unpack_command(
    digest: str, packed: bytes, *, into: str = layout.RELEASES, proof: str = "letterbox --version"
) -> StringCommand:
    """Unpack an archive into a folder of its own, check and compile it, and rename it to its digest.

    `proof` is a command of the release that must work.
    """
    partial, final = f"{into}/.{digest}", f"{into}/{digest}"
    shell = (
        "umask 022",
        f"rm -rf {partial}",
        f"mkdir -p {partial}",
        f"base64 -d > {partial}/archive",
        f"echo '{hashlib.sha256(packed).hexdigest()}  {partial}/archive' | sha256sum --quiet -c",
        f"tar -xzf {partial}/archive -C {partial} --no-same-owner",
        f"rm {partial}/archive",
        f"python3 -m compileall -q --invalidation-mode unchecked-hash {partial}/lib",
        f"{partial}/bin/{proof} >/dev/null",
        f"(cd {partial} && find . -type f ! -name {MANIFEST} -exec sha256sum {{}} + > {MANIFEST})",
        _LABEL.format(partial),
        f"sync -f {partial}",
        # A release that was damaged makes room. It never lacks its name for longer than two renames.
        f"rm -rf {partial}.damaged && if [ -e {final} ]; then mv -T {final} {partial}.damaged; fi",
        f"mv -T {partial} {final}",
        f"rm -rf {partial}.damaged",
    )
    text = base64.encodebytes(packed).decode()
    return StringCommand("sh -c", shlex.quote(" && ".join(shell)), _stdin=text)


def program_commands(
    seen: Observed, program: Program, digest: str, *, into: str, called: str
) -> Iterator[StringCommand]:
    """Put a program that runs beside the receiver into a folder of its own, in place of the one before.

    `called` is what a person calls it. Raises DeployError if it cannot be built.
    """
    if not seen.python and not context.state.is_executing:
        yield StringCommand("python3 --version")  # The release is known after the step Packages.
        return
    try:
        packed = archive(Platform(seen.python, seen.machine), program)
    except BuildError as error:
        raise DeployError(f"{called} cannot be built: {error}") from None
    yield StringCommand(f"install -d -m 755 -o root -g root {into}")
    yield unpack_command(digest, packed, into=into, proof=f"{program.command} --help")
    yield StringCommand(
        f"ln -sfnT {digest} {into}/current.new && mv -fT {into}/current.new {into}/current && "
        f"find {into} -mindepth 1 -maxdepth 1 ! -name {digest} ! -name current -exec rm -rf {{}} +"
    )


def unpack_commands(seen: Observed, wanted: Desired) -> Iterator[StringCommand]:
    """Build the wanted release and unpack it, unless the host has it whole. Raises DeployError."""
    if wanted.release in seen.releases and wanted.release not in seen.damaged:
        return
    if not seen.python and not context.state.is_executing:
        yield StringCommand("python3 --version")  # The release is known after the step Packages.
        return
    try:
        packed = archive(Platform(seen.python, seen.machine))
    except BuildError as error:
        raise DeployError(f"the release cannot be built: {error}") from None
    yield unpack_command(wanted.release, packed)


@step
def unpacked() -> Decision:
    """The release is on the host, complete, beside the one that runs."""
    wanted = desired()
    return Decision(unpack_commands(observe(), wanted), f"release {wanted.release} is unpacked")


def switch_commands(seen: Observed, wanted: Desired) -> Iterator[StringCommand]:
    """Point `current` and the command at the release."""
    for path, target in (
        (layout.CURRENT, f"releases/{wanted.release}"),
        (layout.COMMAND, layout.COMMAND_TARGET),
    ):
        for command in link_commands(seen, path, target):
            yield StringCommand(f"{still(layout.CONFIGURATION, wanted.configuration)} &&", command)


@step
def current() -> Decision:
    """`current` is the wanted release."""
    return Decision(switch_commands(observe(), desired()), "current is the wanted release")


def removal_commands(seen: Observed) -> Iterator[StringCommand]:
    """Remove what the deploy has made: program, releases, generations, configuration, keys and certificate.

    What else lies in these folders stays, with the folder that it is in.
    """
    files = (
        *(layout.CURRENT, layout.CONFIGURATION, layout.GENERATION),
        *(layout.CERTIFICATE, layout.KEY, layout.KEY_IN_USE, layout.NEXT_KEY),
    )
    found = [path for path in files if path in seen.files]
    if layout.COMMAND in seen.files and seen.files[layout.COMMAND].target == layout.COMMAND_TARGET:
        found.append(layout.COMMAND)
    found += [f"{layout.RELEASES}/{digest}" for digest in seen.releases]
    found += [f"{layout.GENERATIONS}/{each.name}" for each in seen.generations]
    found += [f"{layout.KEY_FOLDERS}/{path}" for path in seen.tls.paths if "/" in path]
    found += seen.leftovers
    keys = [f"{layout.KEY_FOLDERS}/{path}" for path in seen.tls.paths if "/" not in path]
    keys = [path for path in keys if path not in found and not _holds_others(seen, path)]
    if not found and not keys and not seen.empty_folders & set(_FOLDERS):
        return
    # Parts of the last minutes are not among the leftovers yet.
    parts = f"{layout.RELEASES}/.[0-9a-f]* {layout.GENERATIONS}/*.new {layout.GENERATIONS}/.*.gone "
    parts += f"{layout.KEY_FOLDERS}/*.new {layout.KEY_FOLDERS}/*/*.new {layout.TLS_FOLDER}/*.new "
    parts += f"{layout.KEY}.unusable"
    remove = f"rm -rf {' '.join(map(shlex.quote, found))} {parts}"
    # A folder with something in it that is not ours stays. The remarks of the run have named it.
    folders = " ".join([*keys, *(folder for folder in _FOLDERS if folder in seen.files)])
    clear = f" && rmdir --ignore-fail-on-non-empty {folders}" if folders else ""
    yield StringCommand("sh -c", shlex.quote(remove + clear))


def _holds_others(seen: Observed, folder: str) -> bool:
    return any(path.startswith(f"{folder}/") for path in seen.foreign)


_FOLDERS = (
    *(layout.KEY_FOLDERS, layout.TLS_FOLDER, layout.CONFIGURATION_FOLDER),
    *(layout.RELEASES, layout.GENERATIONS, layout.PROGRAM_FOLDER),
)


@step
def removed() -> Decision:
    """Program, configuration and certificate are gone."""
    return Decision(removal_commands(observe()), "there is no program")
