"""The system under everything: one we know, as root, with the packages we need."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pyinfra import context
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.operation import operation

from dns.inventory import MailHost
from provision import firewalld
from provision.desired import archive
from provision.desired.state import inventory
from provision.host.observed import Observed
from provision.step import Commands, changes, observe, untouched

_INSTALL = {
    "fedora": "dnf -y -q install",
    "debian": "DEBIAN_FRONTEND=noninteractive apt-get -y -q install --no-install-recommends",
}


def family(seen: Observed) -> str | None:
    """`fedora` (dnf and rpm: RHEL and its kin too), `debian` (apt: Ubuntu too), or None."""
    ids = {seen.os.get("ID", ""), *seen.os.get("ID_LIKE", "").split()}
    if ids & {"fedora", "rhel", "centos"}:
        return "fedora"
    return "debian" if ids & {"debian", "ubuntu"} else None


def prepare(*, needed: Collection[str] = ("packages", "firewalld", "served")) -> None:
    """Look at the host before anything is touched: refuse what cannot work, and become root where we are not.

    `needed` names what of `Observed.unread` the run decides by, and so must have been read.

    Raises:
        DeployError: the inventory is wrong, this deploy does not know the system, or something of it could
            not be read; with the mend.
    """
    inventory()
    seen = observe()
    problem = unsupported(seen)
    problems = [problem] if problem else [seen.unread[name] for name in needed if name in seen.unread]
    if problems:
        raise DeployError(untouched(problems))
    if "firewalld" in needed:
        firewalld.openings(context.host, seen)
    if seen.uid != 0:
        context.host.data._sudo = True


def unsupported(seen: Observed) -> str | None:
    """Why this deploy cannot work on the host, or None."""
    if family(seen) is None:
        name = seen.os.get("PRETTY_NAME") or "an unknown system"
        return f"{name} is not supported: use Fedora, RHEL or its kin, Debian or Ubuntu"
    if not seen.units:
        return "systemd does not answer: it must run as the system's init (a container may lack it)"
    if seen.python:
        try:
            archive.Platform(seen.python, seen.machine).check()
        except archive.BuildError as error:
            return str(error)
    return None


@operation()
def packages() -> Commands:
    """Python to run the receiver, openssl to make its certificate: only what is missing is installed."""
    host = next(host for host in inventory().hosts if host.name == context.host.name)
    yield from changes(package_commands(observe(), host), "what is needed is installed")


def package_commands(seen: Observed, host: MailHost) -> Iterator[StringCommand]:
    """Install what is missing: Python, openssl, and firewalld if the inventory wants it to run."""
    wanted = {"python3", "openssl"} | ({"firewalld"} if host.firewalld == "running" else set())
    missing = [name for name in seen.missing_packages if name in wanted]
    if missing and family(seen) == "debian":
        yield StringCommand("apt-get -q update")
    if missing:
        yield StringCommand(_INSTALL[family(seen) or "fedora"], *missing)
