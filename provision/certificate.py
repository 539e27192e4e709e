"""The certificate for STARTTLS, made on the host."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from pyinfra.api.command import StringCommand

from provision.host import layout
from provision.host.observed import Observed
from provision.inventory import mail_host
from provision.step import Decision, observe, step


def certificate_commands(seen: Observed, hostname: str) -> Iterator[StringCommand]:
    """Make a self-signed certificate in the host's name, unless one is there and good for 30 days more.

    One that does not belong to its key counts as none: the service could not start with it.

    A sender that does STARTTLS without DANE or MTA-STS checks neither name nor issuer (RFC 7435; RFC 3207,
    4.1), so this certificate does as well as a bought one. The key is made on the host and never leaves it.
    """
    files = (seen.files.get(layout.KEY), seen.files.get(layout.CERTIFICATE))
    key, certificate = ((file.user, file.group, file.mode) if file else None for file in files)
    wanted_key, wanted_certificate = ("root", layout.USER, "640"), ("root", "root", "644")
    present = key is not None and hostname in seen.certificate_names and seen.key_matches
    if present and (key, certificate) == (wanted_key, wanted_certificate):
        return
    make = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 "
        f"-subj /CN={hostname} -addext subjectAltName=DNS:{hostname} "
        f"-keyout {layout.KEY}.new -out {layout.CERTIFICATE}.new 2>/dev/null",
        f"mv -fT {layout.KEY}.new {layout.KEY}",
        f"mv -fT {layout.CERTIFICATE}.new {layout.CERTIFICATE}",
    )
    shell = (
        "umask 077",
        *(() if present else make),
        f"chown root:{layout.USER} {layout.KEY} && chmod 640 {layout.KEY}",
        f"chown root:root {layout.CERTIFICATE} && chmod 644 {layout.CERTIFICATE}",
    )
    yield StringCommand("sh -c", shlex.quote(" && ".join(shell)))


@step
def certificate() -> Decision:
    """A certificate for STARTTLS in the host's name."""
    needed = certificate_commands(observe(), mail_host().hostname)
    return Decision(needed, "the certificate is there, its key too, and it is good for 30 days more")
