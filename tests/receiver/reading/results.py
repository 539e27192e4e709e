"""Results of the checks for the tests, and the field that the receiver writes for them."""

from __future__ import annotations

from collections.abc import Sequence

from receiver.checks import field
from receiver.checks.results import DKIM, DMARC, SPF, Reverse
from receiver.reading.sender import authentication_results
from receiver.reading.sender.authentication_results import Results

NO_SPF = SPF("none")
REVERSE = Reverse("pass", "mail.sender.test")


def results(dmarc: DMARC, *dkim: DKIM, spf: SPF = NO_SPF, reverse: Reverse | None = REVERSE) -> Results:
    return Results(dmarc, spf, dkim, reverse)


def written(found: Results, hostname: str = "mx1.example.test") -> bytes:
    """The whole field, as the receiver writes it."""
    dkim: Sequence[DKIM] = found.dkim
    assert found.spf is not None
    return field.write(hostname, found.reverse, "192.0.2.1", found.spf, dkim, found.dmarc)


def value(found: Results) -> bytes:
    """The value of the written field, unfolded as `receiver.headers` does it."""
    return written(found).partition(b":")[2].replace(b"\r\n", b"").strip()


def read_back(found: Results) -> Results:
    """What the reader makes of the written field."""
    read = authentication_results.parse(value(found))
    assert read is not None
    return read


def signed(domain: str, result: str = "pass") -> DKIM:
    return DKIM(result, "", domain, "s1", f"@{domain}", "rsa-sha256", "Ej9ZJSfXL19m", 2048)


def sent_by(domain: str, result: str = "pass") -> SPF:
    return SPF(result, domain, "mailfrom", f"someone@{domain}")


def failed(policy: str, domain: str = "bank.example") -> DMARC:
    return DMARC("fail", "", domain, policy, domain)


def passed(method: str, domain: str = "gmail.com") -> DMARC:
    return DMARC("pass", "", domain, "none", domain, method, domain)


def no_policy(domain: str = "shop.example") -> DMARC:
    return DMARC("none", "", domain)


FORGED = results(failed("reject"), spf=sent_by("sender.test"))
GENUINE = results(passed("dkim"), signed("gmail.com"), spf=sent_by("gmail.com"))
UNKNOWN = results(no_policy(), spf=sent_by("sender.test"))
WITHOUT_DNS = results(DMARC("temperror", "", "gmail.com"), spf=sent_by("gmail.com", "temperror"))
