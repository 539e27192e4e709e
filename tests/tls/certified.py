"""A host that is to have an authority's certificate: its inventory, what a sender finds, what renews it."""

from __future__ import annotations

import smtplib
import ssl
from pathlib import Path

from tests.lab.lab import HOSTNAME, Lab
from tests.lab.machines.machine import DEADLINE

USER, STATE = "letterbox-certificate", "/var/lib/letterbox-certificate"
TRUSTED = "/etc/ssl/certs/ca-certificates.crt"  # where Python on this system looks


def wants(lab: Lab, folder: Path, directory: str, profile: str) -> Path:
    keys = f'"certificate": "{directory}", "certificate_profile": "{profile}", "mx_preference"'
    path = folder / "inventory.py"
    path.write_text(lab.inventory.read_text().replace('"mx_preference"', keys))
    return path


def verified(lab: Lab, root: str) -> None:
    """Fail unless a sender that trusts only this root can verify the host by its name (RFC 8461, 4.1)."""
    context = ssl.create_default_context(cadata=root)
    session = smtplib.SMTP(lab.target.ipv4, 25, timeout=DEADLINE)
    try:
        session.ehlo()
        assert session.docmd("STARTTLS")[0] == 220
        assert session.sock is not None
        session.sock = context.wrap_socket(session.sock, server_hostname=HOSTNAME)
    finally:
        session.close()


def remains(lab: Lab) -> str:
    """What of the unit is on the host."""
    return lab.target.run(
        f"getent passwd {USER}; ls -d {STATE} /opt/letterbox/renewal /etc/letterbox/certificate-token* "
        "/etc/systemd/system/letterbox-certificate.* 2>/dev/null; "
        "systemctl list-units --all --no-legend 'letterbox-certificate*'",
        check=False,
    ).stdout
