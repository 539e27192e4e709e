"""What the deploy has put on this host: whose it is, whether it is whole, and whether the service runs it."""

from __future__ import annotations

import base64
import csv
import grp
import hashlib
import os
import pwd
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from receiver import loaded
from receiver.config.values import Config
from receiver.doctor.links import Link
from receiver.doctor.services import renewal
from receiver.doctor.units import DEPLOY, RESTART, SERVICE, properties

CURRENT = Path("/opt/letterbox/current")
GROUP = "letterbox"
MANIFEST = "manifest"
_BUILT = re.compile(r"\.(cpython-\d+)-")


def check_owners(path: Path, config: Config) -> Link:
    """The configuration and the key belong to root, the service may read them, and nobody else the key.

    A certificate that a unit renews belongs to the user of that unit.

    Without the service's group (a receiver that was not deployed) only root's ownership is checked.
    """
    try:
        group = grp.getgrnam(GROUP).gr_gid
    except KeyError:
        group = -1
    wanted = [(path.parent, 0o750, True), (path, 0o640, True)]
    if config.tls:
        # The key may be a link into a folder of its own.
        folders = dict.fromkeys((config.tls.key.parent, config.tls.key.resolve().parent))
        wanted += [*((each, 0o750, True) for each in folders), (config.tls.key, 0o640, True)]
        wanted += [(config.tls.certificate, 0o644, False)]
    for each, mode, for_group in wanted:
        state = each.stat()
        found = stat.S_IMODE(state.st_mode)
        of_group = not for_group or group < 0 or state.st_gid == group
        too_open, too_closed = found & ~mode, mode & ~found & 0o440 if for_group else 0o444 & ~found
        is_ours = not state.st_uid or (not for_group and renewal.may_own(each, state.st_uid))
        if not is_ours or not of_group or too_open or too_closed:
            owner = f"root:{GROUP}" if for_group else "root:root"
            evidence = f"{each} belongs to {_names(state)} with mode {found:o}, not to {owner} with {mode:o}"
            return Link("owners", evidence, f"chown {owner} {each} && chmod {mode:o} {each}")
    return Link("owners", "configuration and key belong to root, and the service may read them")


def _names(state: os.stat_result) -> str:
    try:
        user = pwd.getpwuid(state.st_uid).pw_name
    except KeyError:
        user = str(state.st_uid)
    try:
        return f"{user}:{grp.getgrgid(state.st_gid).gr_name}"
    except KeyError:
        return f"{user}:{state.st_gid}"


def check_release(current: Path = CURRENT) -> Link:
    """Every file of the release is as it was built, for this Python, and only root can change it.

    The deploy writes a manifest, as sha256sum(1) prints it. A release of 0.1 has none. There each
    package has the digests of its files in RECORD (Python's binary distribution format).
    """
    if not current.exists():
        return Link("release", f"there is no {current}, so the program was not deployed", look=DEPLOY)
    release, count = current.resolve(), 0
    manifest = release / MANIFEST
    fix = DEPLOY if manifest.exists() else _anew(release)
    for file, digest in listed(manifest) if manifest.exists() else recorded(release):
        count += 1
        try:
            is_whole = hashlib.sha256(file.read_bytes()).hexdigest() == digest
        except OSError:
            is_whole = False
        if not is_whole:
            what = "is not as it was built" if file.exists() else "is missing"
            return Link("release", f"{file} {what}", fix)
    if built := other_python(release):
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        return Link("release", f"{release.name} was built for Python {built}, and this host has {here}", fix)
    for path in (release, *release.rglob("*")):
        state = path.lstat()
        if not stat.S_ISLNK(state.st_mode) and (state.st_uid or state.st_mode & 0o022):
            fix = f"chown -R root: {release} && chmod -R u=rwX,go=rX {release}"
            return Link("release", f"{path} can be changed by {_names(state)} or others", fix)
    if not count:
        return Link("release", f"{release} has no digests to compare with", look=DEPLOY)
    return Link("release", f"{release.name}: {count} files are as they were built")


def other_python(release: Path) -> str:
    """The Python, as `3.14`, for which the extensions of the release were built, if this is another one.

    After an upgrade of the system they cannot be imported. The receiver then uses asyncio's event loop. An
    extension for the stable ABI fits every Python, and has no version in its name (PEP 384, PEP 3149).
    """
    built = {
        found[1] for path in (release / "lib").rglob("*.cpython-*.so") if (found := _BUILT.search(path.name))
    }
    if not built or sys.implementation.cache_tag in built:
        return ""
    version = min(built).removeprefix("cpython-")
    return f"{version[0]}.{version[1:]}"


def _anew(release: Path) -> str:
    """The deploy unpacks a release that is not there. The running service has what it needs in memory."""
    return f"rm -r {release}; then on the control machine: {DEPLOY}"


def listed(manifest: Path) -> Iterator[tuple[Path, str]]:
    """The files that a manifest names, each with its SHA-256 in hexadecimal."""
    for line in manifest.read_text("utf-8", "surrogateescape").splitlines():
        digest, _, name = line.partition("  ")
        yield manifest.parent / name, digest


def recorded(release: Path) -> Iterator[tuple[Path, str]]:
    """The files that the packages of a release name, each with its SHA-256 in hexadecimal."""
    for record in sorted((release / "lib").glob("*.dist-info/RECORD")):
        with record.open(newline="") as lines:
            for name, digest, *_ in csv.reader(lines):
                # A release leaves out the commands that other packages bring, which lie in bin/.
                if digest.startswith("sha256=") and not name.startswith(("bin/", "..")):
                    octets = base64.urlsafe_b64decode(digest.removeprefix("sha256=") + "=")
                    yield release / "lib" / name, octets.hex()


def check_loaded(path: Path, *, folder: Path = loaded.FOLDER, current: Path = CURRENT) -> Link:
    """The service runs the release and the configuration that lie on disk.

    It says itself what it has loaded. A service of 0.1 does not.
    """
    unit = properties(SERVICE)
    if unit.get("ActiveState") == "inactive":
        return Link("loaded", "the service does not run, so it will load what lies on disk")
    said = loaded.read(folder)
    if said is None or str(said.pid) != unit.get("MainPID"):
        look = f"{RESTART}, and what runs is what lies on disk"
        return Link("loaded", "the service does not say what it has loaded", look=look)
    return compare(said, path, current)


def compare(said: loaded.Loaded, path: Path, current: Path) -> Link:
    """What the service has loaded beside what lies on disk."""
    if said.configuration and said.configuration != hashlib.sha256(path.read_bytes()).hexdigest():
        return Link("loaded", f"{path} has changed since the service read it", RESTART)
    if said.release and said.release != current.resolve().name:
        evidence = f"the service runs release {said.release}, and {current} is {current.resolve().name}"
        return Link("loaded", evidence, RESTART)
    if not said.configuration or not said.release:
        return Link("loaded", "the service was started without a file or a release", look=RESTART)
    return Link("loaded", f"release {said.release}, and the configuration on disk")
