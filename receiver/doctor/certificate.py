"""The certificate on disk: who issued it, its key, its name, and the time in which it is valid.

Most senders check none of these (RFC 7435). Those that do DANE check the key alone (RFC 7672, 3.1.1). Those
that keep MTA-STS check all of it, and defer mail for what is wrong (RFC 8461).
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from receiver.config.values import Config
from receiver.doctor.links import Link
from receiver.doctor.services import renewal
from receiver.doctor.units import DEPLOY, RENEW

_LINK, _SELF_SIGNED = "certificate", "self-signed"
ANEW = f"{DEPLOY} makes it anew"


def check_certificate(
    config: Config, now: datetime | None = None, *, host_renews: bool | None = None
) -> Link:
    """The certificate is the key's, names the host, and is valid now. The evidence says who issued it.

    `host_renews` says whether a unit of this host renews it; by default that is looked for. If none does, an
    authority's certificate needs somebody: from one third of its life on that is said, and below one sixth
    the link is broken.
    """
    if config.tls is None:
        return Link("STARTTLS", "the configuration has no [tls]: mail comes in clear text", DEPLOY)
    path, key = config.tls.certificate, config.tls.key
    look = ["x509", "-in", str(path), "-noout", "-startdate", "-enddate", "-issuer", "-subject", "-pubkey"]
    try:
        said = _openssl([*look, "-checkhost", config.hostname])
        public = _openssl(["pkey", "-in", str(key), "-passin", "pass:", "-pubout"])
        begins, ends = (_date(said, name) for name in ("notBefore", "notAfter"))
    except (OSError, subprocess.SubprocessError) as error:
        return Link(_LINK, f"openssl does not read {path}: {error}", look=f"openssl x509 -in {path} -text")
    except ValueError:
        return Link(_LINK, f"{path} cannot be read as a certificate", ANEW)
    moment = now or datetime.now(UTC)
    if not public or public.strip() not in said:
        return Link(_LINK, f"{path} and {key} do not belong together", ANEW)
    if moment >= ends:
        return Link(_LINK, f"{path} has expired on {ends:%Y-%m-%d}", _renewal(path))
    if moment < begins:
        evidence = (
            f"{path} is valid from {begins:%Y-%m-%d %H:%M} UTC on, and the clock says {moment:%Y-%m-%d}"
        )
        return Link(_LINK, evidence, "set the clock: timedatectl set-ntp true")
    if "does NOT match" in said:
        return Link(_LINK, f"{path} does not name {config.hostname}", _renewal(path))
    issuer = _issuer(said)
    evidence = (
        f"{issuer}, for {config.hostname}, until {ends:%Y-%m-%d} ({(ends - moment).days} days), of the key "
        f"in use{_next_key(key)}"
    )
    if issuer == _SELF_SIGNED or (renewal.is_there() if host_renews is None else host_renews):
        return Link(_LINK, evidence)
    return _by_hand(evidence, (ends - moment) / (ends - begins))


def _by_hand(evidence: str, left: float) -> Link:
    """The link for a certificate that nothing on this host renews. `left` is a share of its life. Pure."""
    if left > 1 / 3:
        return Link(_LINK, evidence)
    fix = f"on the control machine: {RENEW} (or where it is from, if the deploy did not bring it)"
    due = f"{evidence}; nothing on this host renews it"
    return Link(_LINK, due, fix) if left < 1 / 6 else Link(_LINK, f"{due}: {fix}")


def _openssl(arguments: Sequence[str]) -> str:
    """What openssl prints. Raises OSError or SubprocessError if it does not run, not if it refuses a file."""
    done = subprocess.run(
        ["openssl", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    return done.stdout


def _issuer(said: str) -> str:
    """`self-signed`, or the authority by its common name."""
    names = dict(line.split("=", 1) for line in said.splitlines() if line.startswith(("issuer=", "subject=")))
    issuer = names.get("issuer", "").strip()
    if issuer == names.get("subject", "").strip():
        return _SELF_SIGNED
    return f"from {issuer.rpartition('CN')[2].lstrip(' =') or issuer}"


def _next_key(key: Path) -> str:
    """Whether the next key lies there, on a host of a deploy that makes one. Empty on any other."""
    folder = key.parent
    if not (folder / "current").is_symlink():
        return ""
    there = all((folder / "next" / name).is_file() for name in ("key.pem", "request.pem"))
    return "; the next key is there" if there else f"; there is no next key ({DEPLOY} makes one)"


def _renewal(path: object) -> str:
    """The deploy makes a self-signed certificate of the same key if this one is missing or no longer good."""
    return f"{DEPLOY} makes it anew; if {path} is from an authority, renew it there"


def _date(output: str, key: str) -> datetime:
    """A date as openssl prints it, such as `notAfter=Nov 26 02:27:01 2027 GMT`. Raises ValueError."""
    for line in output.splitlines():
        name, _, text = line.partition("=")
        if name == key:
            return datetime.strptime(text.strip(), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    raise ValueError(f"no {key}")
