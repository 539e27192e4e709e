"""What the receiver is told, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from receiver import one_time
from receiver.recipients import Domain

MOST_WORKERS = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """What one stranger, and all of them, may use. Octets, seconds and counts."""

    message_size: int = 26_214_400
    line_length: int = 1_048_576  # a line of a message
    command_length: int = 4096  # a command line; ORCPT and UTF-8 make them longer than 512
    connections: int = 1000
    connections_per_address: int = 50
    connections_per_network: int = 200  # IPv4 /24, IPv6 /64
    recipients: int = 1000  # for one message
    messages: int = 10_000  # in one session
    commands: int = 3000  # since the session began or its last message was stored
    errors: int = 20  # refused or unknown commands in one session
    greeting_delay: int = 0  # of silence that a sender must keep; 0: until it can have seen the greeting
    command_timeout: int = 300  # for one whole command (RFC 5321 section 4.5.3.2.7)
    data_timeout: int = 180  # of silence inside a message
    message_timeout: int = 3600  # for one whole message
    shutdown_timeout: int = 20  # for what is under way at SIGTERM


@dataclass(frozen=True, slots=True)
class TLSFiles:
    """PEM files; the certificate with its chain."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Config:
    """All that the receiver is told."""

    hostname: str
    mail: Path
    domains: tuple[Domain, ...]
    tls: TLSFiles | None = None
    limits: Limits = field(default_factory=Limits)
    addresses: tuple[str, ...] = ()  # ours, for domain literals: postmaster@[192.0.2.1]
    workers: int = 1  # processes that share the work
    proofs: Path = one_time.FOLDER  # where `letterbox proof` makes its one-time addresses
    log_headers: bool = False  # whether the log has Subject, From and Date of each message
