"""Where things lie on the host. Tests, users and other tools rely on these paths."""

from __future__ import annotations

from typing import Final

USER: Final = "letterbox"
SOCKET_UNIT: Final = "letterbox.socket"
SERVICE_UNIT: Final = "letterbox.service"
UNITS: Final = (SOCKET_UNIT, SERVICE_UNIT)
UNIT_FOLDER: Final = "/etc/systemd/system"

CONFIGURATION_FOLDER: Final = "/etc/letterbox"
CONFIGURATION: Final = "/etc/letterbox/letterbox.toml"
GENERATION: Final = "/etc/letterbox/generation"
TLS_FOLDER: Final = "/etc/letterbox/tls"
CERTIFICATE: Final = "/etc/letterbox/tls/certificate.pem"
KEY: Final = "/etc/letterbox/tls/key.pem"
"""These two are links through `KEY_IN_USE`, so one rename changes both. letterbox.toml names them."""
KEY_FOLDERS: Final = "/etc/letterbox/tls/keys"
"""A folder for each key, named by `key_folder`. It holds `key.pem`, `request.pem` and `certificate.pem`."""
KEY_IN_USE: Final = "/etc/letterbox/tls/current"
NEXT_KEY: Final = "/etc/letterbox/tls/next"
"""Links to the folder of the key in use, and to that of the key that rekey.py goes to."""

PROGRAM_FOLDER: Final = "/opt/letterbox"
RELEASES: Final = "/opt/letterbox/releases"
GENERATIONS: Final = "/opt/letterbox/generations"
CURRENT: Final = "/opt/letterbox/current"
COMMAND: Final = "/usr/local/bin/letterbox"
COMMAND_TARGET: Final = "/opt/letterbox/current/bin/letterbox"

RUNTIME_FOLDER: Final = "/run/letterbox"
LOADED: Final = "/run/letterbox/loaded.json"
"""What the running service has loaded. It writes this itself; `receiver/loaded.py` says what is in it."""
PROOFS: Final = "/run/letterbox-proofs"
"""The sockets of one-time addresses (`receiver/one_time.py`)."""

CERTIFICATE_USER: Final = "letterbox-certificate"
CERTIFICATE_SERVICE: Final = "letterbox-certificate.service"
CERTIFICATE_TIMER: Final = "letterbox-certificate.timer"
CERTIFICATE_TOKEN: Final = "/etc/letterbox/certificate-token"  # noqa: S105 - a path
"""The token that renewals need, encrypted for this host. `.sha256` beside it has the digest of the token."""
CERTIFICATE_STATE: Final = "/var/lib/letterbox-certificate"
RENEWAL_PROGRAM: Final = "/opt/letterbox/renewal"
"""Its releases, by digest, and `current`. They are none of the receiver's."""
RESOLVED: Final = "/run/systemd/resolve/io.systemd.Resolve"
"""The socket of systemd-resolved at which any program may ask."""
RESOLVER_SOCKET_UNIT: Final = "letterbox-resolver.socket"
RESOLVER_SERVICE: Final = "letterbox-resolver.service"
RESOLVER: Final = "/run/letterbox-resolver/io.systemd.Resolve"
"""The socket of our own resolver, on hosts whose systemd-resolved cannot be asked."""
RESOLVER_PROGRAM: Final = "/opt/letterbox/resolver"
"""Its releases, by digest, and `current`."""
HOOKS_GROUP: Final = "letterbox-hooks"
"""The group of the queues, on hosts with hooks."""
HOOKS_FOLDER: Final = "/etc/letterbox/hooks"
"""For each hook its configuration, and its secrets, encrypted for this host, with their digests."""
HOOKS_PROGRAM: Final = "/opt/letterbox/hooks"
"""Its releases, by digest, and `current`."""
KEEP_SERVICE: Final = "letterbox-keep.service"
KEEP_TIMER: Final = "letterbox-keep.timer"
"""They remove old mail, on hosts whose inventory says how long mail is kept."""
HEARTBEAT_USER: Final = "letterbox-heartbeat"
HEARTBEAT_SERVICE: Final = "letterbox-heartbeat.service"
HEARTBEAT_TIMER: Final = "letterbox-heartbeat.timer"
HEARTBEAT_LOOK: Final = "letterbox-heartbeat-look@.service"
HEARTBEAT_LOOK_SOCKET: Final = "letterbox-heartbeat-look.socket"
HEARTBEAT_FAILED: Final = "letterbox-heartbeat-failed@.service"
HEARTBEAT_ADDRESS: Final = "/etc/letterbox/heartbeat"
"""The address of the switch, encrypted for this host. `.sha256` beside it has the digest of the address."""
HEARTBEAT_STATE: Final = "/var/lib/letterbox-heartbeat"
HEARTBEAT_PROGRAM: Final = "/opt/letterbox/heartbeat"
"""Its releases, by digest, and `current`."""
LOCK: Final = "/run/letterbox-deploy.lock"
"""Held by each command of a deploy, so that no two of several deploys run at the same time."""

STATE_FOLDER: Final = "/var/lib/letterbox"
MAIL: Final = "/var/lib/letterbox/mail"
QUEUES: Final = "/var/lib/letterbox/mail/.hooks"
"""A folder for each hook: what it has not delivered (`pending`), and what it has given up (`dead`)."""


def key_folder(spki: str) -> str:
    """The folder of a key, as the links name it. `spki` is the SHA-256 of its SubjectPublicKeyInfo in DER."""
    return f"keys/{spki[:16]}"


def hook_unit(name: str) -> str:
    """The unit of the hook of this name."""
    return f"letterbox-hook-{name}.service"
