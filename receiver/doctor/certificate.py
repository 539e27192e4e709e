"""The certificate on disk: its key, its name, and the time in which it is valid.

Most senders check none of these (RFC 7435), and those that do (RFC 7672, RFC 8461) defer mail for them.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime

from receiver.config.values import Config
from receiver.doctor.links import Link
from receiver.doctor.units import DEPLOY

_LINK = "certificate"
ANEW = f"{DEPLOY} makes it anew"


def check_certificate(config: Config, now: datetime | None = None) -> Link:
    """The certificate names the host, and is valid now. That its key belongs to it is checked before."""
    if config.tls is None:
        return Link("STARTTLS", "the configuration has no [tls]: mail comes in clear text", DEPLOY)
    path = config.tls.certificate
    command = ["openssl", "x509", "-in", str(path), "-noout", "-startdate", "-enddate", "-checkhost"]
    try:
        done = subprocess.run(
            [*command, config.hostname],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        begins, ends = (_date(done.stdout, key) for key in ("notBefore", "notAfter"))
    except (OSError, subprocess.SubprocessError) as error:
        return Link(_LINK, f"openssl does not read {path}: {error}", look=f"openssl x509 -in {path} -text")
    except ValueError:
        return Link(_LINK, f"{path} cannot be read as a certificate", ANEW)
    moment = now or datetime.now(UTC)
    if moment >= ends:
        return Link(_LINK, f"{path} has expired on {ends:%Y-%m-%d}", _renewal(path))
    if moment < begins:
        evidence = (
            f"{path} is valid from {begins:%Y-%m-%d %H:%M} UTC on, and the clock says {moment:%Y-%m-%d}"
        )
        return Link(_LINK, evidence, "set the clock: timedatectl set-ntp true")
    if "does NOT match" in done.stdout:
        return Link(_LINK, f"{path} does not name {config.hostname}", _renewal(path))
    return Link(_LINK, f"for {config.hostname}, until {ends:%Y-%m-%d}")


def _renewal(path: object) -> str:
    """The deploy makes a self-signed certificate anew by itself if this one is missing or no longer good."""
    return f"{DEPLOY} makes it anew; if {path} is from an authority, renew it there"


def _date(output: str, key: str) -> datetime:
    """A date as openssl prints it, such as `notAfter=Nov 26 02:27:01 2027 GMT`. Raises ValueError."""
    for line in output.splitlines():
        name, _, text = line.partition("=")
        if name == key:
            return datetime.strptime(text.strip(), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    raise ValueError(f"no {key}")
