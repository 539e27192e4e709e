"""The DNSSEC of a zone as Cloudflare describes it. Pure.

https://developers.cloudflare.com/dns/dnssec/dnssec-states/
https://developers.cloudflare.com/api/resources/dns/subresources/dnssec/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dns.cloudflare.answers import AGAIN
from dns.errors import Unreachable

STATES = ("active", "pending", "disabled", "pending-disabled", "error")


@dataclass(frozen=True, slots=True)
class Dnssec:
    """The state of a zone's DNSSEC, and the DS for its registrar."""

    status: str
    """One of STATES. `pending`: it is signed, and Cloudflare has not seen its DS at the parent yet."""
    ds: str = ""
    """The DS as a registrar takes it: key tag, algorithm, digest type and digest. Empty if there is none."""

    @property
    def is_off(self) -> bool:
        """Whether somebody has to switch it on."""
        return self.status in ("disabled", "pending-disabled")


def dnssec_from(answer: Mapping[str, object]) -> Dnssec:
    """Read the answer about a zone's DNSSEC. Raises Unreachable if it has no state that is known."""
    result = answer.get("result")
    said = result if isinstance(result, Mapping) else {}
    status = said.get("status")
    if status not in STATES:
        raise Unreachable(f"Cloudflare answered {status!r} for the state of DNSSEC: {AGAIN}")
    return Dnssec(str(status), _rdata(said.get("ds")))


def _rdata(line: object) -> str:
    """The record data of `example.com. 3600 IN DS 2371 13 2 3EDA…`."""
    words = line.split() if isinstance(line, str) else []
    after = words[words.index("DS") + 1 :] if "DS" in words else words
    return " ".join([*after[:3], "".join(after[3:])]) if len(after) > 3 else ""
