"""A fuzz target for reading: any octets as a mail, through all parsers that `show`, `list` and the log use.

`python -m tests.receiver.fuzz.reading --runs 20000` uses random input. With atheris installed (`make fuzz`)
the coverage of receiver/ guides it. These promises must hold. Nothing raises, and no guard had to catch an
error. All output can be written as UTF-8 and as JSON. The name of a file has no folder. The log and the list
have the same subject. The time is bounded.
"""

from __future__ import annotations

import json
import time

from tests.receiver.fuzz.driver import Target, instrumented

with instrumented():
    from receiver import headers
    from receiver.cli import terminal
    from receiver.content import content, html

SECONDS = 10.0
# Pieces that mean something to a parser, and the limits that libraries are known to have: digits of a number,
# depth of a recursion, invalid code points, lone surrogates, NUL.
WORDS = (
    b"Content-Type: ", b"Content-Transfer-Encoding: ", b"Content-Disposition: ", b"Subject: ", b"\r\n",
    b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b"text/plain", b"text/html", b"multipart/mixed",
    b"multipart/alternative", b"multipart/report", b"multipart/digest", b"message/rfc822",
    b"message/delivery-status", b"; boundary=b", b'; boundary="b c"', b"--b", b"--b--", b"--b c",
    b"\n--b\n", b"; charset=", b"utf-8", b"utf-7", b"gb2312", b"iso-2022-jp", b"utf-16", b"hz-gb-2312",
    b"klingon", b"; format=flowed; delsp=yes", b"; name=", b"; filename*0*=", b"; filename=",
    b"utf-8''%C3%", b'"', b"'", b"\\", b"(", b")", b";", b"=", b"*", b"base64", b"quoted-printable",
    b"x-uuencode", b"=?utf-8?Q?", b"=?utf-8?B?", b"?=", b"=?", b"=\r\n", b"=C3", b"==", b"QUJD", b"\xff",
    b"\xc3", b"\x1b$B", b"\x1b(B", b"~{", b"+2AA-", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80",
    b"begin 644 a\n", b"#0V%T\n", b"end\n", b"<p>", b"</p>", b"<a href=http://a/>", b"</a>", b"<table>",
    b"<td>", b"<tr>", b"</table>", b"<ul><li>", b"<pre>", b"<!--", b"-->", b"<script>", b"<style",
    b"<img alt=x>", b"<p hidden>", b"<svg>", b"style='display:none'", b"&#" + b"9" * 4301 + b";",
    b"&#x110000;", b"&#xD800;", b"&#0;", b"&amp", b"<", b">", b"<div>" * 300, b"<font a=1>" * 300,
    "\u200c\u00a0".encode(), "\u202e".encode(), b"> ", b"-- \n", b"x" * 300,
)  # fmt: skip
STARTS = (
    b"",
    b"Subject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
    b"Content-Type: text/plain; charset=",
)


def check(mail: bytes) -> None:
    """Raises AssertionError if a promise is broken."""
    began = time.process_time()
    holds = content.read(mail)
    caught = [note for note in holds.notes if "could not be read" in note or "taken apart" in note]
    assert not caught, caught
    for text in (holds.text, *holds.links, *holds.notes, *(each.name for each in holds.attachments)):
        text.encode("utf-8")
        json.dumps(text)
        assert "\x1b" not in terminal.plain_lines(text)
    assert not any("/" in leaf.name for leaf in holds.leaves)
    head = mail.partition(b"\r\n\r\n")[0]
    fields = headers.parse_fields(head)
    for name, value in fields.all:
        fields.decode(value).encode("utf-8")
        fields.parameters(name)
    if not mail.startswith((b"\r\n", b"\n")):
        assert (headers.first_text(head, "subject") or "") == fields.text("subject")[: headers.LONGEST]
    document = mail.decode("utf-8", "replace")
    html.render(document, lays_out=False).text.encode("utf-8")
    assert time.process_time() - began < SECONDS


def one_input(octets: bytes) -> None:
    """Make a mail of the fuzzer's octets. The first one chooses its beginning."""
    check(STARTS[octets[0] % len(STARTS)] + octets[1:] if octets else b"")


TARGET = Target("mails", one_input, WORDS, most_words=60, choices=1, longest=4000)


if __name__ == "__main__":
    TARGET.main(__doc__)
