"""The operating system of the host: whether this deploy knows it, and the packages that it needs."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator

from pyinfra import context, logger
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError

from dns.inventory import MailHost
from provision import firewalld
from provision.desired.archive import BuildError, Platform
from provision.host.observed import Observed
from provision.refusals import refusals
from provision.run.inventory import inventory, mail_host
from provision.run.step import Decision, observe, step, untouched
from provision.tls import certificate

_INSTALL = {
    "fedora": "dnf -y -q install",
    "debian": "DEBIAN_FRONTEND=noninteractive apt-get -y -q install --no-install-recommends",
}
PATIENCE, PAUSE = 60, 5  # tries of a package manager that another one keeps waiting, and seconds between them


def once_unlocked(command: str, pause: float = PAUSE) -> str:
    """Shell that runs a package manager, and waits while another one has the lock.

    Cloud images update themselves after their first boot. apt and dnf wait for some of their locks only, so
    their own words tell. What they said last is shown if they fail.
    """
    return (
        f"for try in $(seq {PATIENCE}); do said=$(LC_ALL=C; export LC_ALL; {command} 2>&1) && exit 0; "
        f"case $said in *lock*|*'nother transaction'*) sleep {pause};; *) break;; esac; done; "
        'echo "$said" >&2; exit 1'
    )


def family(seen: Observed) -> str | None:
    """`fedora` (dnf and rpm: RHEL and its kin too), `debian` (apt: Ubuntu too), or None."""
    ids = {seen.os.get("ID", ""), *seen.os.get("ID_LIKE", "").split()}
    if ids & {"fedora", "rhel", "centos"}:
        return "fedora"
    return "debian" if ids & {"debian", "ubuntu"} else None


def prepare(*, needed: Collection[str] = ("packages", "firewalld", "served")) -> None:
    """Look at the host before anything is touched, and use sudo from here on if root has not connected.

    `needed` names the keys of `Observed.unread` that this run decides by. What they stand for must have been
    read.

    Raises DeployError, with the fix, if the inventory is wrong, this deploy does not know the system, or
    something that is needed could not be read.
    """
    inventory()
    seen = observe()
    problem = unsupported(seen)
    problems = [problem] if problem else [seen.unread[name] for name in needed if name in seen.unread]
    if not problem and "packages" in needed:
        problems += refusals(seen)
    if problems:
        raise DeployError(untouched(problems))
    if "firewalld" in needed:
        firewalld.openings(context.host, seen)
    missing = missing_packages(seen, mail_host()) if "packages" in needed else []
    if missing:
        logger.info(f"{context.host.print_prefix}not on the host, and to be installed: {', '.join(missing)}")
    for remark in remarks(seen, deploys="packages" in needed):
        logger.warning(f"{context.host.print_prefix}{remark}")
    if seen.uid != 0:
        context.host.data._sudo = True


def remarks(seen: Observed, *, deploys: bool) -> Iterator[str]:
    """What is on the host that is not the deploy's, and that it leaves alone: a line each."""
    if deploys:
        yield from certificate.remarks(seen)
    for where, path in seen.wrong_rights.items() if deploys else ():
        yield f"in the {where}, {path} has another owner or other rights than it should: they are put right"
    if seen.foreign:
        more = f" and {len(seen.foreign) - 3} more" if len(seen.foreign) > 3 else ""
        yield f"{', '.join(seen.foreign[:3])}{more}: not the deploy's, and left alone"
    for name, unit in seen.units.items():
        for path in unit.drop_ins:
            yield f"{name} has a drop-in that is not the deploy's: {path} stays, and `systemctl cat` shows it"


def unsupported(seen: Observed) -> str | None:
    """Why this deploy cannot work on the host, or None."""
    if family(seen) is None:
        name = seen.os.get("PRETTY_NAME") or "this system"
        return f"this deploy does not know {name}: use Fedora, RHEL or its kin, Debian or Ubuntu"
    if not seen.units:
        return "systemd does not answer: it must run as the system's init, which a container may lack"
    if seen.python:
        try:
            Platform(seen.python, seen.machine).check()
        except BuildError as error:
            return str(error)
    return None


def missing_packages(seen: Observed, host: MailHost) -> list[str]:
    """What must be installed: Python, openssl, and firewalld if the inventory wants it to run."""
    wanted = {"python3", "openssl"} | ({"firewalld"} if host.firewalld == "running" else set())
    return [name for name in seen.missing_packages if name in wanted]


def package_commands(seen: Observed, host: MailHost) -> Iterator[StringCommand]:
    """Install what is missing."""
    missing = missing_packages(seen, host)
    if missing:
        yield from install_commands(seen, missing)


def install_commands(seen: Observed, packages: Iterable[str]) -> Iterator[StringCommand]:
    """Install these packages."""
    if family(seen) == "debian":
        yield StringCommand("sh -c", shlex.quote(once_unlocked("apt-get -q update")))
    install = f"{_INSTALL[family(seen) or 'fedora']} {' '.join(packages)}"
    yield StringCommand("sh -c", shlex.quote(once_unlocked(install)))


@step
def packages() -> Decision:
    """Python to run the receiver, and openssl to make its certificate. Only what is missing is installed."""
    return Decision(package_commands(observe(), mail_host()), "the packages that are needed are installed")
