"""How the time to read hostile mail grows with its size: `python -m tests.receiver.hostile_growth`.

For each generator it measures the CPU time of `show`, of `list`, of reading a field for the log, and of
`tls-reports`, at half of the size and at the whole size. Twice the size may take 2.3 times as long. The exit
code is 1 if one takes longer. It is not a unit test, because a single number is unreliable on a busy machine.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from receiver import headers
from receiver.content import content
from receiver.reading import message_json, stored, summary
from receiver.tls_reports import attachment, report
from receiver.tls_reports.values import NotReadable
from tests.receiver.stored_mail import Mail

MOST = 2.3  # times as long for twice the size
_FLOOR = 0.1  # seconds below which a clock says nothing of growth
_TRIES = 3


def repeated(piece: bytes, size: int) -> bytes:
    return piece * (size // len(piece))


def nested(depth: int, end: bytes = b"") -> bytes:
    """Multiparts inside multiparts, with the boundaries b0, b1 and so on."""
    opening = b"".join(
        b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(depth)
    )
    return b"Content-Type: multipart/mixed; boundary=b0\r\n\r\n" + opening + end


def _multipart(piece: bytes) -> Callable[[int], bytes]:
    return lambda size: b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeated(piece, size)


def _near(piece: bytes) -> Callable[[int], bytes]:
    return lambda size: nested(29) + repeated(piece, size)


def _text(head: bytes, piece: bytes) -> Callable[[int], bytes]:
    return lambda size: head + b"\r\n\r\n" + repeated(piece, size)


def _html(piece: bytes) -> Callable[[int], bytes]:
    return _text(b"Content-Type: text/html; charset=utf-8", piece)


def _numbered(piece: str) -> Callable[[int], bytes]:
    def made(size: int) -> bytes:
        count = size // len(piece)
        return b"Content-Type: text/html\r\n\r\n" + "".join(piece % n for n in range(count)).encode()

    return made


def _head(piece: bytes) -> Callable[[int], bytes]:
    return lambda size: repeated(piece, size) + b"\r\n\r\nx\r\n"


_GZIP = b"Content-Type: application/tlsrpt+gzip\r\n\r\n"


def _packed(content: bytes) -> bytes:
    return _GZIP + gzip.compress(content, 1, mtime=0)


def _report(piece: bytes) -> Callable[[int], bytes]:
    """A report as large as is read (4 MiB) if the whole has 24 MiB, because a larger one is not read."""
    return lambda size: _packed(b'{"policies":[' + repeated(piece, size // 7) + b"0]}")


_BASE64 = b"Content-Transfer-Encoding: base64"
_QUOTED = b"Content-Transfer-Encoding: quoted-printable"
_LONG = b"x" * 180
GENERATORS: dict[str, Callable[[int], bytes]] = {
    "near-nested": _near(b"\n--b1x"),
    "near-nested-end": _near(b"\n--b0--x"),
    "near-nested-space": _near(b"\n--b2 x"),
    "near-nested-dashes": _near(b"\n--"),
    "near-long": _text(b"Content-Type: multipart/mixed; boundary=" + _LONG, b"\n--" + _LONG + b"y"),
    "never-seen": _text(b"Content-Type: multipart/mixed; boundary=zz", b"--zy\r\n"),
    "nested": lambda size: nested(size // 56),
    "parts": _multipart(b"--b\r\n\r\nx\r\n"),
    "parts-without-end-of-header": _multipart(b"--b\r\nX: y\r\n"),
    "parts-of-headers": _multipart(b"--b\r\n" + b"X: y\r\n" * 9000),
    "ends": _multipart(b"--b--\r\n"),
    "messages": lambda size: repeated(b"Content-Type: message/rfc822\r\n\r\n", size),
    "digest": _text(b"Content-Type: multipart/digest; boundary=b", b"--b\r\n\r\nSubject: x\r\n\r\nhi\r\n"),
    "texts": _multipart(b"--b\r\n\r\n" + b"hello\r\n" * 3000),
    "html-parts": _multipart(b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<p>hello\r\n" * 300),
    "fields": _head(b"A: b\r\n"),
    "field-folded": lambda size: b"Subject: x" + repeated(b"\r\n y", size) + b"\r\n\r\nx\r\n",
    "field-long": lambda size: b"Subject: " + b"x" * size + b"\r\n\r\nx\r\n",
    "words": lambda size: b"Subject: " + repeated(b"=?utf-8?Q?=41?= ", size) + b"\r\n\r\nx\r\n",
    "half-words": lambda size: b"Subject: " + repeated(b"=?utf-8?Q?", size) + b"\r\n\r\nx\r\n",
    "raw-words": lambda size: b"Subject: " + repeated(b"\xff=?", size) + b"\r\n\r\nx\r\n",
    "parameters": lambda size: b"Content-Type: text/plain" + repeated(b'; x="', size) + b"\r\n\r\nx\r\n",
    "comments": lambda size: b"Content-Type: text/plain " + repeated(b"(", size) + b"\r\n\r\nx\r\n",
    "spaces": lambda size: b"Content-Type: text/plain;" + b" " * size + b"x\r\n\r\nx\r\n",
    "base64": _text(_BASE64, b"QUJD"),
    "base64-padding": _text(_BASE64, b"QQ=="),
    "base64-of-nothing": _text(_BASE64, b"="),
    "quoted": _text(_QUOTED, b"=41"),
    "quoted-broken": _text(_QUOTED, b"="),
    "quoted-spaces": _text(_QUOTED, b" " * 999 + b"x"),
    "flowed": _text(b"Content-Type: text/plain; format=flowed", b"> x \r\n"),
    "flowed-quotes": _text(b"Content-Type: text/plain; format=flowed", b">"),
    "fillers": _text(b"Content-Type: text/plain; charset=utf-8", "\u200c \u00a0\u034f".encode()),
    "spaces-that-stay": _text(b"Content-Type: text/plain; charset=utf-8", "\u00a0\u00a0  x".encode()),
    "uuencoded": _text(b"X: y", b"begin 644 a\r\n#0V%T\r\n"),
    "charset-broken": _text(b"Content-Type: text/plain; charset=gb18030", b"\xff"),
    "charset-repaired": _text(b"Content-Type: text/plain; charset=windows-1252", b"\x81"),
    "charset-7bit": _text(b"Content-Type: text/plain; charset=iso-2022-jp", b"\x1b$B-!\x1b(B"),
    "utf-7": _text(b"Content-Type: text/plain; charset=utf-7", b"+2AA-"),
    "html-nested": _html(b"<div>"),
    "html-formatting": _numbered("<p><font a=%d>x"),
    "html-attributes": lambda size: b"Content-Type: text/html\r\n\r\n<a " + repeated(b"x y ", size) + b">z",
    "html-roots": _numbered("<html a%d=1>"),
    "html-references": _html(b"&a"),
    "html-digits": lambda size: b"Content-Type: text/html\r\n\r\n&#" + b"9" * size + b";",
    "html-tables": _html(b"<table><tr><td>x"),
    "html-cells": _html(b"<td>x</td>"),
    "html-paragraphs": _html(b"<p>x"),
    "html-lists": _html(b"<ul><li>x"),
    "html-quotes": _html(b"<blockquote>x"),
    "html-comments": _html(b"<!-- x"),
    "html-scripts": _html(b"<script>"),
    "html-styles": _html(b"<style"),
    "html-angles": _html(b"<"),
    "html-quotation": _html(b'<a "'),
    "html-links": _numbered("<a href=//a/%d>x</a>"),
    "html-hidden": _html(b"<p style=display:none>x</p>"),
    "html-verbatim": _html(b"<pre>x\n"),
    "report-arrays": _report(b"[[[[]]]],"),
    "report-policies": _report(b'{"policy":{},"failure-details":[{}]},'),
    "report-counts": _report(b"1,"),
    "report-texts": _report(b'"\\u202e",'),
    "report-deep": _report(b"["),
    "report-bomb": lambda size: _packed(bytes(size)),
    "report-members": lambda size: _packed(b"") + repeated(gzip.compress(b"", mtime=0), size),
    "report-blocks": lambda size: _packed(b"")[:-13] + repeated(b"\0\0\0\xff\xff", size),
    "line": lambda size: b"\r\n" + repeated(b"From ", size),
    "octets": lambda size: b"\r\n" + repeated(bytes(range(256)), size),
}  # fmt: skip


def measured(octets: bytes, folder: Path) -> Iterator[tuple[str, float]]:
    """The CPU seconds of each way of reading, with those of its child processes."""
    mail = Mail(folder)
    path = mail.store(octets)
    message = stored.Stored(stored.maildirs(folder)[0], path.name, str(path))
    head = octets[: headers.MAX_HEAD].partition(b"\r\n\r\n")[0]

    def shown() -> None:
        octets = stored.content(message)
        fields = headers.parse_fields(stored.head(message)[0])
        short = summary.summary(message, fields, len(octets))
        json.dumps(message_json.to_json(short, content.read(octets), fields))

    def reported() -> None:
        for each in attachment.reports(stored.content(message)):
            if isinstance(each, bytes):
                with contextlib.suppress(NotReadable):
                    report.parse(each)

    for name, work in (
        ("show", shown),
        ("list", lambda: summary.read(message)),
        ("log", lambda: headers.first_text(head, "subject")),
        ("tls-reports", reported),
    ):
        yield name, min(_seconds(work) for _ in range(_TRIES))


def _seconds(work: Callable[[], object]) -> float:
    before = os.times()
    work()
    return sum(os.times()[:4]) - sum(before[:4])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.receiver.hostile_growth", description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=24, help="of the whole (24)")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(GENERATORS)} (all)")
    arguments = parser.parse_args()
    size, failed = arguments.mebibytes << 20, []
    print(
        f"{'':28}{'half':>8} {'whole':>8} {'times':>6}    seconds of the processor, {arguments.mebibytes} MiB"
    )
    for name in arguments.names or GENERATORS:
        with tempfile.TemporaryDirectory() as half, tempfile.TemporaryDirectory() as whole:
            pairs = zip(
                measured(GENERATORS[name](size // 2), Path(half)),
                measured(GENERATORS[name](size), Path(whole)),
                strict=True,
            )
            for (way, short), (_, long) in pairs:
                times = long / max(short, 0.001)
                too_long = long > _FLOOR and times > MOST
                if way == ("tls-reports" if name.startswith("report") else "show") or too_long:
                    flag = "  too long" if too_long else ""
                    print(f"{name:22} {way:5.5}{short:8.3f} {long:8.3f} {times:6.2f}{flag}", flush=True)
                if too_long:
                    failed.append(f"{name} {way}")
    print(f"{len(failed)} of them take too long: {', '.join(failed)}" if failed else "none takes too long")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
