"""Whether a policy may be enforced, and what is published if not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dns.mta_sts.announced import Announced
from dns.mta_sts.policy import Policy
from dns.mta_sts.values import AGES, Asked, Known

_FOR_NOW = "its MTA-STS policy is published as testing for now"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The mode to publish. None if what stands must stay as it is, because too little is known."""

    mode: str | None
    why: str = ""
    """Why it is not what the inventory says, or what keeps it from changing."""
    is_early: bool = False
    """Whether that is so only because nobody noted when the last MX went."""


def mode_for(
    asked: Asked,
    lines: Sequence[str],
    known: Known,
    ours: Announced,
    leaving: datetime | None,
    *,
    is_new: bool,
) -> Chosen:
    """Choose the mode of the policy that lists the names in `lines`.

    `leaving` is the time until when a sender may have an MX that went. `is_new` says that no MX was at the
    domain, so that no sender has one.
    """
    current = _current(lines, known, ours)
    served = known.served.policy
    if served is None and current is None and leaving:
        return Chosen(
            None,
            "its MTA-STS policy stays as it is, because a sender may have an MX that went, and the hosts "
            f"that it lists cannot be read ({known.served.failure or 'nothing is served'}): run again later",
        )
    if asked.mode != "enforce":
        return Chosen(asked.mode)
    refused = {host: why for host in asked.hosts if (why := known.certificates.get(host))}
    if refused:
        said = "; ".join(f"{host}: {why}" for host, why in refused.items())
        return Chosen(
            "testing",
            "its MTA-STS policy is published as testing, not as enforce, because senders would defer mail "
            f'({said}): give the host "certificate": "letsencrypt", or see letterbox doctor there',
        )
    if current == "enforce":
        return Chosen("enforce")
    unread = {host: known.unread.get(host, "it was not asked") for host in _unread(asked, known)}
    if unread:
        said = "; ".join(f"{host}: {why}" for host, why in unread.items())
        why = f"whether senders accept the certificate of each host is not known ({said})"
        if current is None:
            return Chosen(None, f"its MTA-STS policy stays as it is, because {why}: run again when it is")
        return Chosen(
            "testing", f"its MTA-STS policy is published as testing, because {why}: run again when it is"
        )
    if others := [name for name in lines if name not in asked.hosts]:
        return Chosen("testing", f"{_FOR_NOW}, because a sender may still come to {' or '.join(others)}")
    # Whoever takes an MX away under a policy of ours notes it. Before there was one, nobody did.
    noted = ours.held is not None and not ours.ends and leaving is None and current is not None
    if not (is_new or noted):
        return Chosen("testing", f"{_FOR_NOW}, because a sender may have an older MX", is_early=True)
    return Chosen("enforce")


def _unread(asked: Asked, known: Known) -> list[str]:
    return [host for host in (*asked.hosts, *asked.missing) if host not in known.certificates]


def _current(lines: Sequence[str], known: Known, ours: Announced) -> str | None:
    """The mode of the policy that is served or announced. Empty if there is none, None if it is not known."""
    if known.served.policy:
        return known.served.policy.mode
    for mode in ("enforce", "testing"):
        policy = Policy(mode, tuple(lines), AGES[mode])
        if ours.id == policy.id or known.uploaded(policy.text):
            return mode
    return None if ours.held else ""
