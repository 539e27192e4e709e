"""Going to the next key: `rekey.py`. Senders that do DANE must have seen its TLSA record before.

A sender keeps the TLSA records of a host for their TTL. So the next key may be used once its record has stood
for two TTLs at every nameserver (RFC 7671, 8.1). The record of the old key goes with the next run of
deploy.py or dns.sync, when the host no longer serves that key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyinfra import context, logger
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.api.state import State

from provision.host import layout
from provision.host.layout import key_folder
from provision.host.observed import Observed
from provision.run.inventory import mail_host
from provision.run.step import Command, Decision, observe, step, untouched
from provision.tls.certificate import certificate_commands
from provision.tls.shell import script


@dataclass(frozen=True, slots=True)
class Answer:
    """What one nameserver of the zone answers to `_25._tcp.<host> TLSA`."""

    nameserver: str
    keys: frozenset[str] | None
    """The SHA-256 of keys in its records 3 1 1, in hexadecimal. None: it gave no answer."""
    ttl: int = 0
    """Of the records, in seconds."""


@dataclass(frozen=True, slots=True)
class Published:
    """What the world can know of the keys of a host."""

    answers: tuple[Answer, ...]
    """Of every nameserver of the zone."""
    since: float | None
    """When the record of the next key came into the zone, in seconds since the epoch. None: not known."""


def may_rekey(next_key: str, published: Published, now: float) -> str:
    """Why the host may not go to its next key yet, in one line. Empty if it may. Pure.

    `next_key` is the SHA-256 of its SubjectPublicKeyInfo in hexadecimal, and `now` is in seconds since the
    epoch. What a nameserver did not answer counts as unknown, and so does not allow it.
    """
    record = f"the TLSA record of the next key ({next_key[:16]}…)"
    if not published.answers:
        return f"no nameserver of the zone could be asked for {record}: run it again"
    silent = [each.nameserver for each in published.answers if each.keys is None]
    if silent:
        return f"{', '.join(silent)} gave no answer, so {record} may be missing there: run it again"
    lacking = [each.nameserver for each in published.answers if next_key not in (each.keys or ())]
    if lacking:
        return f"{', '.join(lacking)} lacks {record}: deploy, which publishes it, and come back later"
    if published.since is None:
        return f"it is not known since when {record} has stood: set CLOUDFLARE_API_TOKEN, and run it again"
    wait = 2 * max(each.ttl for each in published.answers)
    left = published.since + wait - now
    if left > 0:
        return (
            f"{record} must stand for {wait} s, two TTLs, before the key is used, because senders may have "
            f"the older records still: run it again in {round(left + 0.5)} s"
        )
    return ""


def published(host: Host, next_key: str) -> Published | None:
    """What the DNS says of the host's keys. None if no domain of the inventory asks for DANE."""
    return None


def obstacle(seen: Observed) -> str:
    """Why this host cannot go to its next key, whatever the DNS says. Empty if it can. Pure."""
    tls = seen.tls
    if not tls.readable:
        return "its keys cannot be read without openssl: deploy, which installs it"
    if tls.next is None or seen.link_to(layout.NEXT_KEY) != key_folder(tls.next.spki):
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
    """Go to the next key, and make another next one. If a run was cut off in between, only complete it."""
    if is_cut_off(seen):
        yield from certificate_commands(seen, hostname)
    elif seen.tls.next:
        yield script(hostname, [f"to_next {key_folder(seen.tls.next.spki)}"])


def prepare() -> None:
    """Ask whether this host may go to its next key, before any host does. Say what would happen.

    Raises DeployError, with the reason, if it may not.
    """
    host, seen = context.host, observe()
    problem = obstacle(seen)
    if not problem and not is_cut_off(seen) and seen.tls.next:
        known = published(host, seen.tls.next.spki)
        problem = may_rekey(seen.tls.next.spki, known, seen.read_at) if known else ""
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
