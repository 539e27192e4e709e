"""A fuzz target for TLS reports: any octets as a mail, as a gzip file, and as JSON.

`python -m tests.receiver.fuzz.tls_reports --runs 20000` uses random input. With atheris installed (`make
fuzz`) the coverage of receiver/ guides it. These promises must hold. Nothing raises but `NotReadable`. Every
text is on one line and short, and has no control character and none that turns the direction of writing.
Every number is a count. What is read can be summed up, printed and written as JSON. The time is bounded.
"""

from __future__ import annotations

import gzip
import io
import json
import time
from collections.abc import Iterator
from datetime import date

from tests.receiver.fuzz.driver import Target, instrumented

with instrumented():
    from receiver.cli import terminal
    from receiver.cli.terminal import Screen
    from receiver.tls_reports import attachment, command, display, report, totals
    from receiver.tls_reports.gathering import Gathered, Received, Sender
    from receiver.tls_reports.report import Report
    from receiver.tls_reports.values import LARGEST_COUNT, NotReadable

SECONDS = 10.0
LONGEST = 300
_DAY = date(2026, 11, 25)
WORDS = (
    b'"organization-name":', b'"date-range":', b'"start-datetime":', b'"end-datetime":', b'"contact-info":',
    b'"report-id":', b'"policies":', b'"policy":', b'"policy-type":', b'"policy-string":',
    b'"policy-domain":',
    b'"mx-host":', b'"summary":', b'"total-successful-session-count":', b'"total-failure-session-count":',
    b'"failure-details":', b'"result-type":', b'"sending-mta-ip":', b'"receiving-mx-hostname":',
    b'"receiving-ip":', b'"failed-session-count":', b'"additional-information":', b'"failure-reason-code":',
    b'"sts"', b'"tlsa"', b'"no-policy-found"', b'"certificate-expired"', b'"mode: testing"', b"[", b"]", b"{",
    b"}", b",", b":", b'"', b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-1", b"0", b"7", b"9" * 5000,
    b'"2026-11-25T00:00:00Z"', b'"0001-01-01T00:00:00Z"', b'"9999-12-31T23:59:59-23:59"', b"1795602600",
    b'"\\u202e\\u0000\\u001b[31m\\ud800"', "\u202e".encode(), b"\x1b[2J", b"\0", b"\xff", b"\xef\xbb\xbf",
    b"[" * 3000, b'{"a":' * 3000, b'"x' + b"y" * 500 + b'"', b"\r\n", b"--b\r\n", b"--b--", b" ",
    b"Content-Type: application/tlsrpt+json\r\n\r\n", b"Content-Type: application/tlsrpt+gzip\r\n",
    b"Content-Transfer-Encoding: base64\r\n", b"\r\n\r\n", b"H4sI", b"\x1f\x8b\x08\0\0\0\0\0\0\xff",
)  # fmt: skip
_MULTIPART = b"TLS-Report-Domain: example.test\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
_GZIP = b"Content-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: binary\r\n\r\n"
_JSON = b"Content-Type: application/tlsrpt+json\r\n\r\n"
_POLICY = b'{"policies":[{"policy":{"policy-type":"sts"},'


def check(mail: bytes) -> None:
    """Raises AssertionError if a promise is broken."""
    began = time.process_time()
    found = Gathered()
    for octets in attachment.reports(mail):
        try:
            if isinstance(octets, NotReadable):
                raise octets
            assert len(octets) <= attachment.LARGEST
            one = report.parse(octets)
        except NotReadable as error:
            assert str(error).isascii()
            continue
        check_report(one)
        for sender in (Sender("google.com", True), Sender("", None)):
            found.add(Received(sender, one, one.first or _DAY, one.last or _DAY))
    check_output(found)
    assert time.process_time() - began < SECONDS


def check_report(one: Report) -> None:
    for text in texts(one):
        assert text == terminal.plain(text) == " ".join(text.split()), ascii(text)
        assert len(text) <= LONGEST
        text.encode("utf-8")
    for policy in one.policies:
        assert 0 <= policy.succeeded <= LARGEST_COUNT
        assert policy.failed >= 0
        assert all(0 < each.count <= LARGEST_COUNT for each in policy.failures)
        assert policy.mode in ("", "enforce", "testing", "none")
    assert (one.first is None) == (one.last is None)
    assert one.first is None or one.last is None or one.first <= one.last


def texts(one: Report) -> Iterator[str]:
    yield from (one.organization, one.contact, one.identity)
    for policy in one.policies:
        yield from (policy.type, policy.domain)
        for each in policy.failures:
            yield from (each.type, each.sending, each.host, each.address, each.code, each.information)


def check_output(found: Gathered) -> None:
    of = totals.total(found)
    object_ = command.to_json("example.test", "tls-reports@example.test", 30, found, of)
    assert json.loads(json.dumps(object_, allow_nan=False)) == object_
    out = io.StringIO()
    display.print_reports(Screen(out), "example.test", "tls-reports@example.test", 30, found, of)
    for line in out.getvalue().splitlines():
        assert terminal.width(line) <= 80, line
        assert terminal.plain(line.strip()) == " ".join(line.split()), ascii(line)


def one_input(octets: bytes) -> None:
    """Make a mail of the fuzzer's octets. The first one chooses what they are."""
    kind, rest = (octets[0] % 6, octets[1:]) if octets else (0, b"")
    check(
        (
            rest,
            _MULTIPART + rest,
            _GZIP + rest,
            _GZIP + gzip.compress(rest, 1, mtime=0),
            _JSON + rest,
            _JSON + _POLICY + rest,
        )[kind]
    )


TARGET = Target("reports", one_input, WORDS, most_words=60, choices=1, longest=4000)


if __name__ == "__main__":
    TARGET.main(__doc__)
