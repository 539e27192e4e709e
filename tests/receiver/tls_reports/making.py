"""Reports and the mails that carry them, for tests: as senders make them, and in any other way."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.receiver.reading.results import passed, results, signed, written
from tests.receiver.stored_mail import Mail

REPORTS = Path(__file__).parent / "reports"
SUCCEEDED, FAILED = "total-successful-session-count", "total-failure-session-count"


def report(
    identity: str = "1",
    *,
    days_ago: int = 1,
    organization: Any = "Google Inc.",
    kind: Any = "sts",
    domain: Any = "example.test",
    mode: str = "testing",
    succeeded: Any = 10,
    failed: Any = 0,
    failures: Any = (),
) -> dict[str, Any]:
    """A report about one policy. `failures` are failure-details."""
    day = (datetime.now(UTC) - timedelta(days=days_ago)).strftime("%Y-%m-%d")
    policy = {
        "policy-type": kind,
        "policy-string": ["version: STSv1", f"mode: {mode}"],
        "policy-domain": domain,
    }
    return {
        "organization-name": organization,
        "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
        "contact-info": "tls@sender.test",
        "report-id": identity,
        "policies": [
            {
                "policy": policy,
                "summary": {SUCCEEDED: succeeded, FAILED: failed},
                "failure-details": list(failures),
            }
        ],
    }


def failure(kind: str = "certificate-expired", count: Any = 1, **more: Any) -> dict[str, Any]:
    """One of the failure-details. A key such as `sending_mta_ip` stands for `sending-mta-ip`."""
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {"result-type": kind, "failed-session-count": count, **named}


def encoded(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


def mail(
    content: bytes,
    *,
    kind: str = "application/tlsrpt+gzip",
    name: str = "sender.test!example.test!1795132800!1795219199!1.json.gz",
    encoding: str = "base64",
    sender: str = "tls@google.com",
) -> bytes:
    """A mail with the content as its only file, as most senders make it."""
    body = encoded(content) if encoding == "base64" else content
    filename = f'; filename="{name}"' if name else ""
    head = (
        f"From: {sender}\nTo: tls-reports@example.test\n"
        "Subject: Report Domain: example.test Submitter: sender.test Report-ID: <1@sender.test>\n"
        "TLS-Report-Domain: example.test\nTLS-Report-Submitter: sender.test\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type="tlsrpt"; boundary="b"\n\n--b\n'
        "Content-Type: text/plain\n\nThis is an aggregate TLS report.\n\n--b\n"
        f"Content-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n"
        f"Content-Disposition: attachment{filename}\n\n"
    )
    return head.replace("\n", "\r\n").encode() + body + b"\r\n--b--\r\n"


def packed(value: Any) -> bytes:
    """A report as its gzip file."""
    return gzip.compress(value if isinstance(value, bytes) else json.dumps(value).encode())


def proof(domain: str = "google.com") -> bytes:
    """The fields above a mail that the domain has signed, as the receiver writes them."""
    return written(results(passed("dkim", domain), signed(domain)))


def store(
    folder: Mail, value: Any, *, domain: str | None = "google.com", mailbox: str = "tls-reports", **more: Any
) -> Path:
    """Store a report as a mail. It is signed by the domain, or by nobody if that is None."""
    above = proof(domain) if domain else b""
    return folder.store(mail(packed(value), **more), mailbox, above=above)
