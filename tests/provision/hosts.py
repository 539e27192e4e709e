"""Hosts as values: a bare Fedora, and one that is exactly as an inventory wants it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dns.inventory import Inventory, from_hosts
from provision.desired import archive
from provision.desired.archive import Platform
from provision.desired.files import FOLDERS, sha256
from provision.desired.state import Desired, for_host
from provision.host import layout
from provision.host.firewalld_state import Firewalld
from provision.host.greeting import Greeting
from provision.host.layout import key_folder
from provision.host.loaded import Loaded
from provision.host.observed import File, Generation, Observed, Session, Unit
from provision.host.tls import Certificate, Key, Request, Tls

INVENTORY: Inventory = from_hosts(
    [
        (
            "mx1.example.com",
            {
                "ssh_user": "root",
                "public_ipv4": "198.18.0.25",
                "allow_private_address": True,
                "domains": {
                    "example.com": {"mailboxes": ["alice", "bob"], "aliases": {"postmaster": ["alice"]}}
                },
            },
        )
    ]
)

BARE = Observed(
    uid=0,
    os={"ID": "fedora", "VERSION_ID": "45"},
    machine="x86_64",
    python="3.14",
    ssh=Session("198.18.0.1", "198.18.0.25"),
    missing_packages=("openssl",),
    account=(),
    files={},
    releases=(),
    generations=(),
    units={unit: Unit("inactive", False, False) for unit in (layout.SOCKET_UNIT, layout.SERVICE_UNIT)},
    running_generation=None,
    greetings={},
    addresses="[]",
    default_interfaces=("eth0",),
    firewalld=Firewalld(),
)

RELEASE = archive.digest(Platform(BARE.python, BARE.machine))
WANTED: Desired = for_host(INVENTORY, "mx1.example.com", RELEASE)


def _text(content: str, group: str = "root", mode: str = "644") -> File:
    return File("regular file", "root", group, mode, sha256=sha256(content))


def _link(target: str) -> File:
    return File("symbolic link", "root", "root", "777", target)


def _key_files(folder: str, group: str, mode: str) -> dict[str, File]:
    return {
        f"{folder}/.": File("directory", "root", layout.USER, "750"),
        f"{folder}/key.pem": _text("key", group, mode),
        f"{folder}/request.pem": _text("request"),
        f"{folder}/certificate.pem": _text("certificate"),
    }


def a_key(public: bytes, hostname: str = "mx1.example.com") -> Key:
    """A key with this public key, and its request for a host."""
    return Key(public, Request(public + b"\x82" + bytes([len(hostname)]) + hostname.encode()))


YEAR = 365 * 86400.0
NOW = 56 * YEAR
KEY, NEXT = a_key(b"the key in use"), a_key(b"the next key")
CERTIFICATE = Certificate("c0de", KEY.spki, ("mx1.example.com",), NOW - YEAR, NOW + 9 * YEAR, True)

DEPLOYED = replace(
    BARE,
    missing_packages=(),
    account=(
        "letterbox:x:990:990:Letterbox mail receiver:/var/lib/letterbox:/usr/sbin/nologin",
        "letterbox:x:990:",
    ),
    files={
        **{folder.path: File("directory", folder.user, folder.group, folder.mode) for folder in FOLDERS},
        **{f"{layout.UNIT_FOLDER}/{name}": _text(text) for name, text in WANTED.units.items()},
        layout.CONFIGURATION: _text(WANTED.configuration, layout.USER, "640"),
        layout.GENERATION: _text(f"LETTERBOX_GENERATION={WANTED.generation}\n"),
        layout.KEY: _link("current/key.pem"),
        layout.CERTIFICATE: _link("current/certificate.pem"),
        layout.KEY_IN_USE: _link(key_folder(KEY.spki)),
        layout.NEXT_KEY: _link(key_folder(NEXT.spki)),
        **_key_files(layout.KEY_IN_USE, layout.USER, "640"),
        **_key_files(layout.NEXT_KEY, "root", "600"),
        layout.CURRENT: _link(f"releases/{WANTED.release}"),
        layout.COMMAND: _link(layout.COMMAND_TARGET),
    },
    releases=(WANTED.release,),
    generations=(Generation(WANTED.generation, WANTED.release),),
    tls=Tls(
        readable=True,
        key=KEY,
        next=NEXT,
        certificate=CERTIFICATE,
        paths=tuple(key.spki[:16] for key in (KEY, NEXT)),
    ),
    read_at=NOW,
    units={unit: Unit("active", True, False, since=100.0, pid=99) for unit in WANTED.units},
    loaded=Loaded(sha256(WANTED.configuration), WANTED.release, "c0de", 99),
    running_generation=WANTED.generation,
    greetings={"127.0.0.1": Greeting(code=220, text="mx1.example.com ESMTP")},
)


def with_file(path: str, **changed: Any) -> Observed:
    """The deployed host with one file that is not as it should be."""
    return replace(DEPLOYED, files={**DEPLOYED.files, path: replace(DEPLOYED.files[path], **changed)})


def without_file(path: str) -> Observed:
    """The deployed host with one file missing."""
    return replace(DEPLOYED, files={name: file for name, file in DEPLOYED.files.items() if name != path})
