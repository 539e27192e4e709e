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

LOCK: Final = "/run/letterbox-deploy.lock"
"""Held by each command of a deploy, so that no two of several deploys run at the same time."""

STATE_FOLDER: Final = "/var/lib/letterbox"
MAIL: Final = "/var/lib/letterbox/mail"
