"""Until when the certificate is valid that port 25 serves.

The host's own openssl reads it. The standard library does so only for a certificate that it trusts.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

from services.heartbeat.findings import Finding

NAME = "certificate"
LEAST_DAYS = 14
_SHARE = 6
_FORM = "%b %d %H:%M:%S %Y GMT"


def look(der: bytes, now: datetime) -> Finding:
    """What is to be said of the served certificate."""
    try:
        done = subprocess.run(
            ["openssl", "x509", "-inform", "DER", "-noout", "-startdate", "-enddate"],
            input=der,
            capture_output=True,
            timeout=20,
            check=False,
            env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        said = dict(line.split("=", 1) for line in done.stdout.decode().splitlines() if "=" in line)
        begins, ends = (
            datetime.strptime(said[name].strip(), _FORM).replace(tzinfo=UTC)
            for name in ("notBefore", "notAfter")
        )
    except (OSError, subprocess.SubprocessError, KeyError, ValueError) as error:
        return Finding(NAME, None, f"openssl does not read it: {error}")
    return judge(begins, ends, now)


def judge(begins: datetime, ends: datetime, now: datetime) -> Finding:
    """Whether it is valid, and for long enough: a sixth of its life, or 14 days if that is less. Pure.

    Below a sixth the doctor calls the link broken too. A self-signed certificate lives for ten years.
    """
    until = f"valid until {ends:%Y-%m-%d %H:%M} UTC"
    if now >= ends:
        return Finding(NAME, False, f"expired on {ends:%Y-%m-%d %H:%M} UTC")
    if now < begins:
        return Finding(NAME, False, f"valid from {begins:%Y-%m-%d %H:%M} UTC on, and it is {now:%Y-%m-%d}")
    left = ends - now
    if left < min((ends - begins) / _SHARE, timedelta(days=LEAST_DAYS)):
        return Finding(NAME, False, f"{until}, which is in {left.total_seconds() / 86400:.1f} days")
    return Finding(NAME, True, f"{until} ({left.days} days)")
