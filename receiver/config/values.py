"""The configuration of the receiver, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from receiver import one_time
from receiver.hook_queue import Hook
from receiver.mailbox import Mailbox
from receiver.recipients import Domain

MOST_WORKERS = 64
PROMISES = ("disk", "bucket")  # of the table [store]


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits on what one sender, and all senders together, may use."""

    message_size: int = 26_214_400  # octets
    line_length: int = 1_048_576  # octets of a line of a message
    command_length: int = 4096  # octets of a command line; ORCPT and UTF-8 make it longer than 512
    connections: int = 1000
    connections_per_address: int = 50
    connections_per_network: int = 200  # an IPv4 /24 or an IPv6 /64
    recipients: int = 1000  # of one message
    messages: int = 10_000  # in one session
    commands: int = 3000  # since the session began or its last message was stored
    errors: int = 20  # refused or unknown commands since the session began or its last message was stored
    greeting_delay: int = 0  # seconds before we greet, in which a sender must be silent
    command_timeout: int = 300  # seconds for one whole command (RFC 5321 section 4.5.3.2.7)
    data_timeout: int = 180  # seconds of silence inside a message
    message_timeout: int = 3600  # seconds for one whole message
    shutdown_timeout: int = 20  # seconds that messages in progress may take after SIGTERM


@dataclass(frozen=True, slots=True)
class TLSFiles:
    """The PEM files of the certificate, with its chain, and of its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class SenderChecks:
    """How the senders of mail are checked."""

    resolver: Path  # the socket of systemd-resolved, or of our own resolver, which answers the same call
    deadline: int = 5  # seconds that a message may wait for its checks after its end
    names: tuple[str, ...] = ()  # the hosts whose results are forged if they come from outside


@dataclass(frozen=True, slots=True)
class Rspamd:
    """The rspamd that is asked whether a message is spam."""

    socket: Path
    refuses: bool = False  # whether spam that it would reject is refused


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """The bucket that mail goes to, through the socket of `letterbox-bucket`.

    The promise of a 250 is `disk` or `bucket`. `disk`: this disk has the message, and the bucket gets it
    within seconds. `bucket`: the bucket has it for every mailbox, and this disk keeps nothing of it.
    """

    socket: Path
    promise: str = "disk"

    @property
    def waits_for_bucket(self) -> bool:
        return self.promise == "bucket"


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration, as the keys of letterbox.toml name its parts."""

    hostname: str
    mail: Path  # the folder of the Maildirs
    domains: tuple[Domain, ...]
    tls: TLSFiles | None = None  # without them, no STARTTLS
    limits: Limits = field(default_factory=Limits)
    addresses: tuple[str, ...] = ()  # the host's IP addresses, for literals such as postmaster@[192.0.2.1]
    workers: int = 1  # processes that receive mail
    proofs: Path = one_time.FOLDER  # the folder of the sockets of one-time addresses
    heartbeat: Path = one_time.HEARTBEAT_FOLDER  # the same of the heartbeat's addresses
    checks: SenderChecks | None = None  # without them, nothing is checked and no result is written
    spam_filter: Rspamd | None = None
    hooks: tuple[Hook, ...] = ()  # each gets a link to every message of its mailboxes
    keep: Mapping[Mailbox, int] = field(default_factory=dict)  # days after which a message goes
    quota: Mapping[Mailbox, int] = field(default_factory=dict)  # octets of mail that a mailbox may hold
    store: StoreConfig | None = None  # without it, mail is on this disk alone
    log_headers: bool = False  # whether the log has the Subject, From and Date of each message
    sha256: str | None = field(default=None, compare=False)  # of the file's octets; None without a file
