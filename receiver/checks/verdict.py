"""The results of all checks of one message, and what follows from them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from receiver.checks.results import DKIM, DMARC, SPF, Reverse

if TYPE_CHECKING:
    from receiver.bucket.protocol import Sender

_LIST_ID = re.compile(rb"<([A-Za-z0-9._-]{1,253})>[ \t]*\Z")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The results of a message's checks. `reverse` is None if its sender has no IP address."""

    field: bytes  # the Authentication-Results field with its CRLF
    reverse: Reverse | None
    spf: SPF
    dkim: Sequence[DKIM]  # empty if the message is not signed
    dmarc: DMARC
    list_id: str = ""  # the identifier of the mailing list through which the message says it came
    forged: int = 0  # the fields with one of our names that were taken out
    seconds: float = 0.0  # that the message waited for its checks after its end

    def with_field(self, field: bytes) -> Verdict:
        return replace(self, field=field)

    @property
    def should_be_refused(self) -> bool:
        """Whether the owner of the author's domain asks to reject the message, and nothing speaks for it.

        What speaks for it: a check that could not be made, and the signature of a mailing list through which
        it came, because lists change messages and so break the author's signature (RFC 9989 section 7.4).
        """
        if self.dmarc.result != "fail" or self.dmarc.policy != "reject":
            return False
        made = [self.spf.result, *(each.result for each in self.dkim)]
        if self.reverse:
            made.append(self.reverse.result)
        return "temperror" not in made and not list_that_signed(self.dkim, self.list_id)

    @property
    def sender(self) -> Sender:
        """What is known of the author's domain, for the bucket: what a reader of the stored field would say.

        Without a policy only the domain itself can vouch for the author (`reading.sender.verdict`).
        """
        result, domain = self.dmarc.result, self.dmarc.domain
        if result in ("fail", "permerror"):
            return "forged"
        if result == "none" and domain:
            own = [each.result for each in self.dkim if each.domain == domain]
            own += [self.spf.result] if self.spf.domain == domain else []
            asked = [*own, *(each.result for each in self.dkim if not each.domain)]
            return "authentic" if "pass" in own else "unknown" if "temperror" in asked else "forged"
        return "authentic" if result == "pass" and domain else "unknown"

    def to_journal(self) -> dict[str, object]:
        """The values for the message's line in the journal. No explanation of a stranger is among them."""
        results = [each.result for each in self.dkim]
        values: dict[str, object] = {
            "dkim": "pass" if "pass" in results else results[0] if results else "none",
            "spf": self.spf.result,
            "dmarc": self.dmarc.result,
            "author": self.dmarc.domain or None,
            "policy": self.dmarc.policy or None,
        }
        if self.reverse:
            values["reverse"] = self.reverse.name if self.reverse.result == "pass" else self.reverse.result
        values["checks"] = self.seconds
        if self.forged:
            values["forged"] = self.forged
        return values


def list_that_signed(signatures: Sequence[DKIM], list_id: str) -> str:
    """The domain with which a mailing list signed a message; empty if its signature is not there.

    `list_id` is what `list_id` finds. A sender can write it, and sign with a domain of his own.
    """
    for each in signatures if list_id else ():
        domain = each.domain.lower()
        if each.result == "pass" and "." in domain and f".{list_id}".endswith(f".{domain}"):
            return domain
    return ""


def list_id(fields: Sequence[tuple[bytes, bytes]]) -> str:
    """The identifier in the List-Id field of a message (RFC 2919), in lower case; empty if there is none."""
    for name, field in fields:
        if name == b"list-id":
            found = _LIST_ID.search(field.replace(b"\r\n", b""))
            return found[1].decode().lower() if found else ""
    return ""
