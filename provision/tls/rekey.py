"""Going to the next key: `rekey.py`. Senders that do DANE must have seen its TLSA record before.

A sender keeps the TLSA records of a host for their TTL. So the next key may be used once its record has stood
for two TTLs at every nameserver (RFC 7671, 8.1; `dns.dane.standing`). It may not be used while an MTA-STS
policy is enforced (`enforced`). The record of the old key goes with the next run of deploy.py or dns.sync,
when the host no longer serves that key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from pyinfra import context, logger
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.api.state import State

from dns.errors import SyncError
from provision.host import layout
from provision.host.layout import key_folder
from provision.host.observed import Observed
from provision.run.inventory import inventory, mail_host
from provision.run.step import Command, Decision, observe, step, untouched
from provision.tls import enforced
from provision.tls.certificate import certificate_commands
from provision.tls.shell import script


def not_yet(hostname: str, seen: Observed) -> str:
    """Why the world is not ready for the next key of this host, in one line. Empty if it is.

    `dns.dane.standing` asks Cloudflare and every nameserver of the zone, and decides. What it cannot be told
    does not allow the change. If no domain of the inventory asks for DANE, nobody is asked.
    """
    tls = seen.tls
    if tls.key is None or tls.next is None or not any(domain.dane for domain in inventory().domains):
        return ""
    from dns.dane import standing  # late: this imports dnspython

    try:
        found = standing.look(hostname, tls.key.spki)
    except SyncError as error:
        return f"how long the TLSA record of the next key has stood cannot be told: {error}"
    return standing.why_not_yet(found, tls.next.spki, datetime.now(UTC))


def not_trusted_yet(hostname: str, seen: Observed) -> str:
    """Why senders would refuse the certificate that the host then has, in one line. Empty if none would.

    A host with a self-signed certificate of its own has none to lose.
    """
    certificate = seen.tls.certificate
    if certificate is None or certificate.self_signed:
        return ""
    try:
        found = enforced.look(inventory().domains)
    except SyncError as error:
        return f"whether an MTA-STS policy is enforced cannot be told: {error}"
    return enforced.why_not_yet(hostname, found, datetime.now(UTC))


def obstacle(seen: Observed) -> str:
    """Why this host cannot go to its next key, whatever the DNS says. Empty if it can. Pure."""
    tls = seen.tls
    if not tls.readable:
        return "its keys cannot be read without openssl: deploy, which installs it"
    if seen.next_key is None:
        return "it has no next key that can be used: deploy, which makes one"
    if tls.key is None:
        return "the key in use cannot be read: deploy, which goes to the next one"
    if not seen.link_to(layout.KEY_IN_USE):
        return "its key lies where an earlier release put it: deploy first"
    return ""


def is_cut_off(seen: Observed) -> bool:
    """Whether a run was cut off after it went to the next key and before it made another one."""
    tls = seen.tls
    return tls.key is not None and tls.next is not None and tls.key.spki == tls.next.spki


def rekey_commands(seen: Observed, hostname: str) -> Iterator[StringCommand]:
    """Go to the next key, and make another next one. If a run was cut off in between, only complete it.

    The service would see the other pair at its next connection. It is told, so that it has it at the end.
    """
    if is_cut_off(seen):
        yield from certificate_commands(seen, hostname)
        yield script(hostname, ["load"])
    elif seen.tls.next:
        yield script(hostname, [f"to_next {key_folder(seen.tls.next.spki)}", "load"])


def prepare() -> None:
    """Ask whether this host may go to its next key, before any host does. Say what would happen.

    Raises DeployError, with the reason, if it may not.
    """
    host, seen = context.host, observe()
    problem = obstacle(seen)
    if not problem and not is_cut_off(seen):
        problem = not_yet(mail_host().hostname, seen) or not_trusted_yet(mail_host().hostname, seen)
    if problem:
        raise DeployError(untouched([problem]))
    for line in foreseen(seen):
        logger.info(f"{host.print_prefix}{line}")


def foreseen(seen: Observed) -> Iterable[str]:
    """What a run does to the keys, in a line. Pure."""
    tls = seen.tls
    if tls.key and tls.next and is_cut_off(seen):
        yield f"it has gone to its next key already ({tls.key.spki[:16]}), and gets another next one"
    elif tls.key and tls.next:
        old, new = tls.key.spki[:16], tls.next.spki[:16]
        yield f"goes from key {old} to its next key {new}, and gets another next one"


def _rekeyed() -> Decision:
    """The next key is the one in use, with its certificate, and there is another next one."""
    needed: list[Command] = list(rekey_commands(observe(), mail_host().hostname))
    if needed:
        needed.append(FunctionCommand(_say_done, (), {}))
    return Decision(needed, "there is nothing to do")


def _say_done(state: State, host: Host) -> bool:
    logger.info(f"{host.print_prefix}the next key is in use, and the service has it without a restart")
    logger.info(f"{host.print_prefix}deploy.py takes the TLSA record of the old key out of the DNS")
    return True


rekeyed = step(_rekeyed, is_idempotent=False)
