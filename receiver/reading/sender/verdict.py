"""Whether a message is really from the domain in its From field, in words. Pure.

A verdict is about a domain, never about a person: it does not tell who at the domain wrote the message. Only
what the receiver's checks found decides. What the sender wrote can add words, but it never makes an answer
better. A lookup that failed is no answer, so it is neither a yes nor a no.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from receiver.checks.verdict import list_that_signed
from receiver.reading.sender.authentication_results import Results

_DNS = "DNS did not answer"
_FAULT = "a check failed on this host, and its journal says why"
_NOTHING_ASKED = "neither SPF nor DKIM vouches for it, and its owner asks for nothing (p=none)"
_REQUESTS = {
    "reject": "its owner asks to reject such mail (p=reject)",
    "quarantine": "its owner asks to treat such mail as suspicious (p=quarantine)",
}


class Answer(Enum):
    """The answers, in the words that begin a sentence."""

    YES = "yes"
    NO = "NO"
    NOT_PROVEN = "not proven"
    UNKNOWN = "cannot be known"
    FAILED = "could not be checked"
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, with the domain that it is about and the reason."""

    answer: Answer = Answer.UNCHECKED
    domain: str = ""  # the author's domain; empty if it is not known
    method: str = ""  # for a yes: dkim or spf
    reason: str = ""
    results: Results | None = None

    @property
    def is_authentic(self) -> bool | None:
        """None if it is not known."""
        return {Answer.YES: True, Answer.NO: False}.get(self.answer)

    @property
    def sentence(self) -> str:
        """One sentence for people. Strangers' domains are in it (see `terminal.plain`)."""
        words = self.answer.value
        if self.reason:
            words += f" ({self.reason})" if self.answer is Answer.YES else f": {self.reason}"
        return f"Really from {self.domain or 'its domain'}: {words}"

    @property
    def reverse_name(self) -> str:
        """The name of the peer's address that leads back to the address; empty if none does."""
        reverse = self.results.reverse if self.results else None
        return reverse.name if reverse and reverse.result == "pass" else ""

    def to_json(self) -> dict[str, object]:
        """The keys that `--json` has for the checks. All but the text are null if nothing was checked."""
        found = self.results
        policy = dkim = spf = dmarc = None
        if found:
            policy, dmarc = found.dmarc.policy or None, found.dmarc.result
            spf = found.spf.result if found.spf else None
            dkim = [{"domain": each.domain or None, "result": each.result} for each in found.dkim]
        return {
            "authentic": self.is_authentic,
            "authentic_text": self.sentence,
            "author_domain": self.domain or None,
            "authentic_by": self.method or None,
            "policy": policy,
            "dkim": dkim,
            "spf": spf,
            "dmarc": dmarc,
            "reverse": self.reverse_name or None,
        }


def judge(results: Results | None, list_id: str = "") -> Verdict:
    """The verdict on a message. `results` is None if it was not checked.

    `list_id` is the identifier of the mailing list through which the message says it came. A list that
    changes a message breaks its signature.
    """
    if results is None:
        return Verdict()
    dmarc, domain = results.dmarc, results.dmarc.domain
    if dmarc.result == "pass" and domain:
        return Verdict(Answer.YES, domain, dmarc.method, _vouched(dmarc.method, "aligned"), results)
    if dmarc.result == "fail":
        answer, reason = Answer.NO, _REQUESTS.get(dmarc.policy, "")
        if not reason:
            answer, reason = Answer.NOT_PROVEN, _NOTHING_ASKED
        if signer := list_that_signed(results.dkim, list_id):
            reason += f"; it came through {signer}, which signed it"
        return Verdict(answer, domain, "", reason, results)
    if dmarc.result == "permerror":
        return Verdict(Answer.NO, domain, "", dmarc.reason or "its From field names no domain", results)
    if dmarc.result == "none" and domain:
        return _without_policy(results, domain)
    return _failed(results, domain)


def _failed(results: Results, domain: str) -> Verdict:
    """The verdict if a check gave no answer. A signature or an author without a domain is a fault of ours."""
    is_fault = not domain or any(each.result == "temperror" and not each.domain for each in results.dkim)
    return Verdict(Answer.FAILED, domain, "", _FAULT if is_fault else _DNS, results)


def _without_policy(results: Results, domain: str) -> Verdict:
    """The verdict if the author's domain has no DMARC policy. Only the same domain can vouch for it.

    Its subdomains cannot, because the domain may be one under which strangers have names, such as github.io.
    """
    own = [each.result for each in results.dkim if each.domain == domain]
    spf = results.spf.result if results.spf and results.spf.domain == domain else ""
    unread = results.dmarc.reason  # There is a policy, but it cannot be read.
    for method, vouches in (("dkim", "pass" in own), ("spf", spf == "pass")):
        if vouches:
            reason = _vouched(method, unread or f"{domain} publishes no DMARC policy", separator=";")
            return Verdict(Answer.YES, domain, method, reason, results)
    if "temperror" in (spf, *own, *(each.result for each in results.dkim if not each.domain)):
        return _failed(results, domain)
    return Verdict(Answer.UNKNOWN, domain, "", unread or f"{domain} publishes no policy", results)


def _vouched(method: str, how: str, *, separator: str = ",") -> str:
    return f"{method.upper() or 'DMARC'} pass{separator} {how}"
