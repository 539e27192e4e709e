"""The answer of the probe, read into a value. What the host did not tell is unread, never absent."""

from __future__ import annotations

import base64
import gzip
import ipaddress
import json
import re
import shlex
import zlib
from collections.abc import Iterable, Mapping

from provision.host import layout, probe
from provision.host.firewalld_state import parse_firewalld
from provision.host.greeting import parse_greeting
from provision.host.loaded import parse_loaded
from provision.host.observed import File, Generation, Listener, Observed, Session, Unit
from provision.host.served import Served, parse_served
from provision.host.services.bucket import parse_bucket
from provision.host.services.heartbeat import parse_heartbeat
from provision.host.services.hooks import parse_hooks
from provision.host.services.imap import parse_imap
from provision.host.services.renewal import parse_renewal
from provision.host.services.resolver import parse_own_resolver, parse_resolved, seconds
from provision.host.services.timer import parse_timed_service
from provision.host.tls import parse_tls

_RELEASE = re.compile("[0-9a-f]{16}")
_GENERATION = re.compile("[A-Za-z0-9-]+")


def parse_sections(sections: Mapping[str, list[str]]) -> Observed:
    """The probe's answer, by section, as one value. Raises ValueError for anything else."""

    def word(name: str) -> str:
        lines = sections.get(name) or [""]
        return lines[0].strip()

    missing, packages_unread = _missing_packages(sections.get("missing", ()), word("rpm status"))
    firewalld = parse_firewalld(sections.get("firewalld", ()))
    running = word("running").partition("=")[2] or None
    served, generations, served_unread = _configurations(
        sections.get("configurations", ()), sections.get("generations", ()), running
    )
    unread = {"packages": packages_unread, "firewalld": firewalld.unread, "served": served_unread}
    said = [line.partition(" ") for line in sections.get("python", ())[1:]]
    resolved = next((rest for name, _, rest in said if name == probe.RESOLVED), word("resolved"))
    return Observed(
        uid=int(word("uid")),
        os=_assignments(sections.get("os", ())),
        machine=word("machine"),
        python=word("python"),
        ssh=_session(word("ssh")),
        missing_packages=missing,
        account=tuple(sections.get("account", ())),
        files=_files(sections.get("files", ()), sections.get("sums", ())),
        releases=tuple(name for name in sections.get("releases", ()) if _RELEASE.fullmatch(name)),
        damaged=frozenset(sections.get("damaged", ())),
        unpacked=float(word("unpacked") or 0),
        wrong_rights=dict(line.split(" ", 1) for line in sections.get("rights", ()) if " " in line),
        foreign=tuple(sections.get("foreign", ())),
        empty_folders=frozenset(sections.get("empty", ())),
        leftovers=_leftovers(sections.get("leftovers", ()), sections.get("foreign", ())),
        generations=generations,
        units=_units(sections.get("units", ())),
        running_generation=running,
        greetings={name: parse_greeting(line) for name, _, line in said if name != probe.RESOLVED},
        addresses="\n".join(sections.get("addresses", ())),
        default_interfaces=_default_interfaces(sections.get("routes", ())),
        firewalld=firewalld,
        tls=parse_tls(sections),
        heartbeat=parse_heartbeat(sections.get("heartbeat", ())),
        renewal=parse_renewal(sections.get("renewal", ())),
        resolved=parse_resolved(resolved),
        own_resolver=parse_own_resolver(sections.get("resolver", ())),
        keep=parse_timed_service(sections.get("keep", ())),
        hooks=parse_hooks(sections.get("hooks", ())),
        bucket=parse_bucket(sections.get("bucket", ())),
        imap=parse_imap(sections.get("imap", ())),
        image_based=bool(word("image")),
        listeners=_listeners(sections.get("port 25", ())),
        loaded=parse_loaded(sections.get("loaded", ())),
        served=served,
        unread={name: reason for name, reason in unread.items() if reason},
    )


def _leftovers(found: Iterable[str], foreign: Iterable[str]) -> tuple[str, ...]:
    """What dead runs left, but for a folder in which something is not ours."""
    others = tuple(foreign)
    return tuple(path for path in found if not any(other.startswith(f"{path}/") for other in others))


def _missing_packages(lines: Iterable[str], rpm_status: str) -> tuple[tuple[str, ...], str]:
    """The packages that are missing, and why that could not be read.

    The lines are those of `rpm -q --whatprovides`, or without rpm one name a line. `rpm_status` is the exit
    code of rpm, empty if there is no rpm. If rpm works, it is the number of packages that are missing.
    """
    missing = [
        line.rpartition(" ")[2]
        for line in lines
        if line in probe.PACKAGES or line.startswith("no package provides ")
    ]
    if rpm_status not in ("", "0") and not missing:
        return (), f"`rpm -q` ended with {rpm_status}: see `rpm -q openssl` on the host"
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
    """What the host serves, its generations (newest first), and why it is not known what the host serves."""
    readable: dict[str, Served] = {}
    broken: dict[str, str] = {}
    for path, _, text in (line.partition(" ") for line in packed):
        try:
            readable[path] = parse_served(gzip.decompress(base64.b64decode(text)).decode())
        except (ValueError, OSError, EOFError, zlib.error) as error:
            broken[path] = str(error)
    kept = tuple(
        Generation(words[0], words[1], readable.get(f"{layout.GENERATIONS}/{words[0]}/letterbox.toml"))
        for words in (line.split() for line in generations)
        if len(words) == 2 and _GENERATION.fullmatch(words[0])
    )
    copies = sorted(kept, key=lambda each: each.name != running)  # the running one first, then the newest
    for candidate in (readable.get(layout.CONFIGURATION), *(each.served for each in copies)):
        if candidate is not None:
            return candidate, kept, ""
    if layout.CONFIGURATION not in broken:
        return None, kept, ""
    reason = (
        f"which domains it serves cannot be told, because {layout.CONFIGURATION} is broken "
        f"({broken[layout.CONFIGURATION]}): repair it, or remove it if none of its mail matters"
    )
    return None, kept, reason


def _session(text: str) -> Session:
    """The four words of SSH_CONNECTION. Anything else tells nothing."""
    words = text.split()
    try:
        client, server = (str(ipaddress.ip_address(word.partition("%")[0])) for word in (words[0], words[2]))
        return Session(client, server, str(int(words[3])))
    except (ValueError, IndexError):
        return Session()


def _listeners(lines: Iterable[str]) -> tuple[Listener, ...]:
    fields = (line.split("|", 3) for line in lines)
    return tuple(
        Listener(words[0], int(words[1]), words[2], words[3] or "a program without a name")
        for words in fields
        if len(words) == 4 and words[1].isdecimal()
    )


def _assignments(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key: "".join(shlex.split(value)) for key, _, value in pairs}


def _files(stats: Iterable[str], sums: Iterable[str]) -> dict[str, File]:
    digests = {path: digest for digest, _, path in (line.partition("  ") for line in sums)}
    files = {}
    for line in stats:
        changed, written, kind, user, group, mode, quoted, path = line.split("|", 7)
        target = quoted.partition(" -> ")[2].strip("'") or None
        kind = kind.replace("regular empty file", "regular file")
        times = float(changed), float(written)
        files[path] = File(kind, user, group, mode, target, digests.get(path), *times)
    return files


def _units(lines: Iterable[str]) -> dict[str, Unit]:
    units = {}
    for block in "\n".join(lines).split("\n\n"):
        properties = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if {"Id", "ActiveState", "NeedDaemonReload"} <= properties.keys():
            units[properties["Id"]] = Unit(
                active=properties["ActiveState"],
                enabled=properties.get("UnitFileState") == "enabled",
                needs_reload=properties["NeedDaemonReload"] == "yes",
                since=seconds(
                    properties.get("ExecMainStartTimestamp") or properties.get("ActiveEnterTimestamp")
                ),
                pid=int(properties.get("MainPID") or 0),
                drop_ins=tuple(properties.get("DropInPaths", "").split()),
            )
    return units
