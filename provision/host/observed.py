"""What a host is at one moment, as a value. The steps of a deploy decide by it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from provision.host import layout
from provision.host.firewalld_state import Firewalld
from provision.host.greeting import Greeting
from provision.host.loaded import Loaded
from provision.host.served import Served
from provision.host.services.bucket import Bucket
from provision.host.services.heartbeat import Heartbeat
from provision.host.services.hooks import Hooks
from provision.host.services.imap import Imap
from provision.host.services.renewal import Renewal
from provision.host.services.resolver import OwnResolver
from provision.host.services.timer import TimedService
from provision.host.tls import Key, Tls


@dataclass(frozen=True, slots=True)
class File:
    """A path as it is on the host: kind in stat's words ("regular file", "directory", …), mode in octal."""

    kind: str
    user: str
    group: str
    mode: str
    target: str | None = None
    """Where a symbolic link points, as it is written in the link."""
    sha256: str | None = None
    changed: float = 0.0
    """When its content, owner or mode last changed (`st_ctime` of stat(2)), in seconds since the epoch."""
    written: float = 0.0
    """When its content was last written (`st_mtime`). A copy by `cp -p` keeps that of the original."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What `systemctl show` says of a unit."""

    active: str
    enabled: bool
    needs_reload: bool
    """Whether a file of the unit has changed since systemd read it."""
    since: float = 0.0
    """When the main process was started, or the socket opened, in seconds since the epoch; 0 if neither."""
    pid: int = 0
    """Its main process; 0 if it has none."""
    drop_ins: tuple[str, ...] = ()
    """Files that add to the unit. They are the user's."""


@dataclass(frozen=True, slots=True)
class Session:
    """An ssh session, as SSH_CONNECTION of ssh(1) tells it. The addresses are empty if it does not."""

    client: str = ""
    server: str = ""
    port: str = "22"
    """The port of the host's sshd."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A process that listens on port 25."""

    address: str
    """As `ss` prints it: address and port."""
    pid: int
    unit: str
    """The unit that the process belongs to; empty if it belongs to none."""
    program: str


@dataclass(frozen=True, slots=True)
class Generation:
    """A recorded generation, the release that it runs, and what it serves if that can be read."""

    name: str
    release: str
    served: Served | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """A host at one moment. A value is empty if the host lacks the thing.

    `unread` names what could not be read. An empty value of these says nothing.
    """

    uid: int
    os: Mapping[str, str]
    machine: str
    python: str
    ssh: Session
    """How this session came in."""
    missing_packages: tuple[str, ...]
    """The packages that an inventory may need and that are not installed."""
    account: tuple[str, ...]
    files: Mapping[str, File]
    releases: tuple[str, ...]
    """Digests of the releases, newest first."""
    generations: tuple[Generation, ...]
    """Those that have run and greeted, newest first."""
    units: Mapping[str, Unit]
    running_generation: str | None
    greetings: Mapping[str, Greeting]
    """By the loopback address that greeted."""
    addresses: str
    """What `ip -json address` printed, global scope; empty if it printed nothing."""
    default_interfaces: tuple[str, ...] | None
    """The interfaces of the default routes; None if the routes could not be read."""
    firewalld: Firewalld
    tls: Tls = field(default_factory=Tls)
    """Its keys, and the certificate in use."""
    read_at: float = 0.0
    """When it was read by the clock of the control machine, in seconds since the epoch."""
    damaged: frozenset[str] = frozenset()
    """Digests of the releases that are not whole."""
    unpacked: float = 0.0
    """When the current release was unpacked, in seconds since the epoch; 0 if that is not known."""
    wrong_rights: Mapping[str, str] = field(default_factory=dict)
    """`releases`, `generations` or `mail`, each with a path in it that has another owner or other rights."""
    foreign: tuple[str, ...] = ()
    """What lies in our folders and is not ours."""
    empty_folders: frozenset[str] = frozenset()
    """Those of our folders in which there is nothing."""
    leftovers: tuple[str, ...] = ()
    """Half-made files and folders of runs that were cut off."""
    renewal: Renewal | None = None
    """What the host has of the unit that renews its certificate. None: nothing."""
    heartbeat: Heartbeat | None = None
    """What the host has of the heartbeat. None: nothing."""
    resolved: bool | None = None
    """Whether systemd-resolved answers the receiver's questions. None: that is not known."""
    own_resolver: OwnResolver | None = None
    """What the host has of our own resolver. None: nothing."""
    keep: TimedService | None = None
    """What the host has of the timer that removes old mail. None: nothing."""
    hooks: Hooks = field(default_factory=Hooks)
    """What the host has of hooks."""
    bucket: Bucket = field(default_factory=Bucket)
    """What the host has of the bucket's units, and what waits for the bucket."""
    imap: Imap = field(default_factory=Imap)
    """What the host has of Dovecot, and of what `letterbox imap` needs."""
    image_based: bool = False
    """Whether the system is an image of ostree."""
    listeners: tuple[Listener, ...] = ()
    """Who listens on port 25."""
    loaded: Loaded | None = None
    """What the running service says that it has loaded; None if it says nothing."""
    served: Served | None = None
    """What letterbox.toml serves, or the last generation if that file is lost or broken. None: nothing."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """`packages`, `firewalld` or `served`, each with why it could not be read, and the fix."""

    def to_json(self) -> object:
        """What `pyinfra … fact` prints."""
        return json.loads(json.dumps(asdict(self), default=_plain))

    def link_to(self, path: str) -> str | None:
        """Where the symbolic link at this path points, as it is written in it. None if there is no link."""
        file = self.files.get(path)
        return file.target if file else None

    @property
    def next_key(self) -> Key | None:
        """The next key, if OpenSSL can use it and `next` leads to its folder."""
        key = self.tls.next
        return key if key and self.link_to(layout.NEXT_KEY) == layout.key_folder(key.spki) else None

    def certificate_stays(self, hostname: str) -> bool:
        """Whether the certificate in use is one that the deploy leaves in place.

        If it is a link, another unit writes it, and judges its name and its time.
        """
        file = self.files.get(f"{layout.KEY_IN_USE}/certificate.pem")
        if file and file.kind == "symbolic link":
            return self.tls.key_matches
        return self.tls.certificate_is_good(hostname, self.read_at)

    @property
    def current_release(self) -> str | None:
        """The digest that `current` points to, if that release is there."""
        link = self.files.get(layout.CURRENT)
        digest = link.target.rpartition("/")[2] if link and link.target else None
        return digest if digest in self.releases else None


def _plain(value: frozenset[str] | bytes) -> object:
    return value.hex() if isinstance(value, bytes) else sorted(value)
