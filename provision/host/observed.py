"""What a host is, as a value: the answer of the probe, read into the words that operations decide by."""

from __future__ import annotations

import base64
import gzip
import json
import shlex
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from provision.host import firewalld_state, layout, probe, served
from provision.host.served import Served


@dataclass(frozen=True, slots=True)
class File:
    """A path as it is on the host: kind in stat's words ("regular file", "directory", …), mode in octal."""

    kind: str
    user: str
    group: str
    mode: str
    target: str | None = None
    """Where a symbolic link points, as written."""
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """What `systemctl show` says of a unit."""

    load: str
    active: str
    enabled: bool
    needs_reload: bool


@dataclass(frozen=True, slots=True)
class Generation:
    """A recorded generation, the release that it runs, and what it serves, where that can be read."""

    name: str
    release: str
    served: Served | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """A host at one moment. Empty values where the host lacks the thing.

    What is there and could not be read is named in `unread`: nothing may be concluded from its empty value.
    """

    uid: int
    os: Mapping[str, str]
    machine: str
    python: str
    ssh_port: str
    """The port of the host's sshd that this session came in by."""
    missing_packages: tuple[str, ...]
    """Of those that any inventory may want."""
    account: tuple[str, ...]
    files: Mapping[str, File]
    releases: tuple[str, ...]
    """Digests of the complete releases, newest first."""
    generations: tuple[Generation, ...]
    """Those that have run and greeted, newest first."""
    certificate_names: tuple[str, ...]
    """DNS names of the certificate, when it is there and good for 30 days more."""
    units: Mapping[str, Unit]
    running_generation: str | None
    greetings: Mapping[str, str]
    addresses: str
    """What `ip -json address` printed, global scope; empty where it printed nothing."""
    default_interfaces: tuple[str, ...] | None
    """Those of the default routes; None where the routes could not be read."""
    firewalld: firewalld_state.Firewalld
    served: Served | None = None
    """By its letterbox.toml; where that is lost or broken, by the last generation. None: nothing."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """`packages`, `firewalld` or `served` → why it could not be read, and the mend."""

    def to_json(self) -> object:
        """What `pyinfra … fact` prints."""
        return json.loads(json.dumps(asdict(self), default=sorted))

    @property
    def current_release(self) -> str | None:
        """The digest that `current` points to, if that release is there."""
        link = self.files.get(layout.CURRENT)
        digest = link.target.rpartition("/")[2] if link and link.target else None
        return digest if digest in self.releases else None


def parse(sections: Mapping[str, list[str]]) -> Observed:
    """The script's answer, section by section, as one value. Raises ValueError for anything else."""

    def word(name: str) -> str:
        lines = sections.get(name) or [""]
        return lines[0].strip()

    missing, packages_unread = _missing_packages(sections.get("missing", ()))
    firewalld = firewalld_state.parse(sections.get("firewalld", []))
    running = word("running").partition("=")[2] or None
    now_served, generations, served_unread = _configurations(
        sections.get("configurations", ()), sections.get("generations", ()), running
    )
    return Observed(
        uid=int(word("uid")),
        os=_assignments(sections.get("os", ())),
        machine=word("machine"),
        python=word("python"),
        ssh_port=word("ssh port") or "22",
        missing_packages=missing,
        account=tuple(sections.get("account", ())),
        files=_files(sections.get("files", ()), sections.get("sums", ())),
        releases=tuple(name for name in sections.get("releases", ()) if not name.startswith(".")),
        generations=generations,
        certificate_names=_certificate_names(sections.get("certificate", ())),
        units=_units(sections.get("units", ())),
        running_generation=running,
        greetings={
            address: text
            for address, _, text in (line.partition(" ") for line in sections.get("python", ())[1:])
        },
        addresses="\n".join(sections.get("addresses", ())),
        default_interfaces=_default_interfaces(sections.get("routes", ())),
        firewalld=firewalld,
        served=now_served,
        unread={
            name: reason
            for name, reason in (
                ("packages", packages_unread),
                ("firewalld", firewalld.unread),
                ("served", served_unread),
            )
            if reason
        },
    )


def _missing_packages(lines: Iterable[str]) -> tuple[tuple[str, ...], str]:
    """The packages that are missing, and why that is not known: by `rpm -q`, or a name a line (dpkg)."""
    missing, ended = [], "0"
    for line in lines:
        if line.startswith("rpm ended with "):
            ended = line.rpartition(" ")[2]
        elif line.startswith("no package provides "):
            missing.append(line.rpartition(" ")[2])
        elif line in probe.PACKAGES:
            missing.append(line)
    if ended != "0" and not missing:  # it ends with the number of those that are missing
        return (), f"`rpm -q` ended with {ended}: see `rpm -q openssl` on the host"
    return tuple(missing), ""


def _default_interfaces(lines: Iterable[str]) -> tuple[str, ...] | None:
    try:
        routes = [route for text in lines if text for route in json.loads(text)]
    except ValueError:
        return None
    return tuple(dict.fromkeys(route["dev"] for route in routes if "dev" in route))


def _configurations(
    packed: Iterable[str], generations: Iterable[str], running: str | None
) -> tuple[Served | None, tuple[Generation, ...], str]:
    """What the host serves, its generations newest first, and why the first cannot be told."""
    read: dict[str, Served] = {}
    failed: dict[str, str] = {}
    for path, _, text in (line.partition(" ") for line in packed):
        try:
            read[path] = served.parse(gzip.decompress(base64.b64decode(text)).decode())
        except (ValueError, OSError, EOFError, zlib.error) as error:
            failed[path] = str(error)
    kept = tuple(
        Generation(words[0], words[1], read.get(f"{layout.GENERATIONS}/{words[0]}/letterbox.toml"))
        for words in (line.split() for line in generations)
        if len(words) == 2 and "." not in words[0]
    )
    copies = sorted(kept, key=lambda each: each.name != running)  # the one that runs, then the newest
    for candidate in (read.get(layout.CONFIGURATION), *(each.served for each in copies)):
        if candidate is not None:
            return candidate, kept, ""
    if layout.CONFIGURATION not in failed:
        return None, kept, ""
    reason = (
        f"which domains it serves cannot be told, as {layout.CONFIGURATION} is no configuration "
        f"({failed[layout.CONFIGURATION]}): mend it, or remove it if none of its mail matters"
    )
    return None, kept, reason


def _assignments(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key: "".join(shlex.split(value)) for key, _, value in pairs}


def _files(stats: Iterable[str], sums: Iterable[str]) -> dict[str, File]:
    digests = {path: digest for digest, _, path in (line.partition("  ") for line in sums)}
    files = {}
    for line in stats:
        kind, user, group, mode, _size, quoted, path = line.split("|", 6)
        target = quoted.partition(" -> ")[2].strip("'") or None
        files[path] = File(kind.removesuffix(" empty file"), user, group, mode, target, digests.get(path))
    return files


def _certificate_names(lines: Iterable[str]) -> tuple[str, ...]:
    words = " ".join(lines).replace(",", " ").split()
    if "Certificate will not expire" not in " ".join(words):
        return ()
    return tuple(word.removeprefix("DNS:") for word in words if word.startswith("DNS:"))


def _units(lines: Iterable[str]) -> dict[str, Unit]:
    units = {}
    for block in "\n".join(lines).split("\n\n"):
        shown = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if {"Id", "LoadState", "ActiveState", "NeedDaemonReload"} <= shown.keys():
            units[shown["Id"]] = Unit(
                load=shown["LoadState"],
                active=shown["ActiveState"],
                enabled=shown.get("UnitFileState") == "enabled",
                needs_reload=shown["NeedDaemonReload"] == "yes",
            )
    return units
