"""What a host is, as a value: the answer of the probe, read into the words that operations decide by."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from provision import layout, zones


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
    """A recorded generation, and the release that it runs."""

    name: str
    release: str


@dataclass(frozen=True, slots=True)
class Observed:
    """A host at one moment. Empty values where the host lacks the thing or the tool that would tell."""

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
    """What `ip -json address` printed, global scope."""
    default_interfaces: tuple[str, ...]
    firewalld: zones.Firewalld

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
    """The script's answer, section by section, as one value."""

    def word(name: str) -> str:
        lines = sections.get(name) or [""]
        return lines[0].strip()

    routes = [route for text in sections.get("routes", ()) for route in json.loads(text or "[]")]
    return Observed(
        uid=int(word("uid") or 0),
        os=_assignments(sections.get("os", ())),
        machine=word("machine"),
        python=word("python"),
        ssh_port=word("ssh port") or "22",
        missing_packages=tuple(sections.get("missing", ())),
        account=tuple(sections.get("account", ())),
        files=_files(sections.get("files", ()), sections.get("sums", ())),
        releases=tuple(name for name in sections.get("releases", ()) if not name.startswith(".")),
        generations=tuple(
            Generation(*line.split()) for line in sections.get("generations", ()) if "." not in line
        ),
        certificate_names=_certificate_names(sections.get("certificate", ())),
        units=_units(sections.get("units", ())),
        running_generation=word("running").partition("=")[2] or None,
        greetings={
            address: text
            for address, _, text in (line.partition(" ") for line in sections.get("python", ())[1:])
        },
        addresses="\n".join(sections.get("addresses", ())) or "[]",
        default_interfaces=tuple(dict.fromkeys(route["dev"] for route in routes if "dev" in route)),
        firewalld=zones.parse(sections.get("firewalld", [])),
    )


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
        if shown:
            units[shown["Id"]] = Unit(
                load=shown["LoadState"],
                active=shown["ActiveState"],
                enabled=shown.get("UnitFileState") == "enabled",
                needs_reload=shown["NeedDaemonReload"] == "yes",
            )
    return units
