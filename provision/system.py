"""The system under everything: one we know, as root, with the packages we need."""

from __future__ import annotations

from pyinfra import context
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.operation import operation

from provision import archive, firewalld
from provision.desired import inventory
from provision.fact import Commands, forget, observe
from provision.observed import Observed

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


def prepare() -> None:
    """Look at the host before anything is touched: refuse what cannot work, and become root where we are not.

    Raises:
        DeployError: the inventory is wrong, or the system is none that this deploy knows; with the mend.
    """
    inventory()
    seen = observe()
    problem = unsupported(seen)
    if problem:
        raise DeployError(f"{context.host.name}: {problem}. Nothing was changed.")
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
    seen = observe()
    if not seen.missing_packages:
        context.host.noop("python3 and openssl are installed")
        return
    if family(seen) == "debian":
        yield StringCommand("apt-get -q update")
    yield StringCommand(_INSTALL[family(seen) or "fedora"], *seen.missing_packages)
    forget()
