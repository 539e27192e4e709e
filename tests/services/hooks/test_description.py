"""The JSON of a message: what `letterbox show --json` says, and more, whatever a stranger sent."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from receiver import hook_queue
from receiver.addresses import parse_address
from receiver.mailbox import Mailbox
from receiver.smtp.transaction import trace
from services.hooks.messages.description import MOST, describe, without_content
from services.hooks.messages.envelope import Envelope, boxes, envelope, file_of, mailbox_of, read_envelope
from tests.services.hooks.hooks import BOX, PLAIN, TRACE, Hook, reader
from tests.services.hooks.target import Target
from tests.waiting import wait_until


@pytest.fixture
def hook(tmp_path: Path) -> Hook:
    return Hook(tmp_path)


def described(hook: Hook, content: bytes, max_raw: int = 262_144, **options: Any) -> dict[str, Any]:
    """The event for a message, described by the child of the program."""
    name = hook.store(content, **options)
    reading = reader(max_raw)
    try:
        body = reading.describe(name, str(hook.pending / name))
    finally:
        reading.close()
    assert len(body) < MOST + max_raw * 1.4 + 1000
    body.decode("utf-8")  # and not with surrogates
    event: dict[str, Any] = json.loads(body)
    assert event["id"] == name
    return event


def test_the_event_has_what_show_prints_the_envelope_and_the_raw_message(hook: Hook, tmp_path: Path) -> None:
    event = described(hook, PLAIN)
    (path,) = hook.pending.iterdir()
    data = event.pop("data")
    arrived = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(path.name.partition(".")[0])))
    assert event == {"id": path.name, "type": "mail.received", "timestamp": arrived}
    assert data.pop("envelope") == {"from": "zoe@sender.test", "to": "sales@example.test", "mailbox": BOX}
    assert base64.b64decode(data.pop("raw")) == path.read_bytes()
    assert data.pop("raw_size") == path.stat().st_size
    assert data.pop("truncated") is False
    box = tmp_path / "mail" / "example.test" / "alice" / "new"
    box.mkdir(parents=True)
    (box / path.name.rpartition(".")[0]).write_bytes(path.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "receiver", "show", "--json", "--mail", str(tmp_path / "mail")],
        capture_output=True,
        check=True,
    )
    shown = json.loads(done.stdout)
    shown.pop("path")
    assert data == shown
    assert data["text"] == "Two apples.\n"


def test_the_verdict_on_the_sender_is_there_and_only_ours_counts(hook: Hook) -> None:
    field = (
        "Authentication-Results: mx1.example.test;\r\n\tdkim=pass header.d=sender.test header.s=a;\r\n"
        "\tdmarc=pass (p=reject) header.from=sender.test policy.method=dkim\r\n"
    )
    ours = described(hook, PLAIN, above=field)["data"]
    forged = described(hook, field.encode() + PLAIN)["data"]
    assert ours["dmarc"] == "pass"
    assert ours["author_domain"] == "sender.test"
    assert forged["authentic"] is None
    assert forged["dmarc"] is None


@pytest.mark.parametrize(("max_raw", "is_there"), [(2000, False), (4000, True), (0, False)])
def test_the_raw_message_is_there_within_its_bound(hook: Hook, max_raw: int, is_there: bool) -> None:
    data = described(hook, b"Subject: x\r\n\r\n" + b"y" * 2500, max_raw)["data"]
    assert (data["raw"] is not None) is is_there
    assert 2500 < data["raw_size"] < 4000


DEEP = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
INSIDE = b"Content-Type: message/rfc822\r\n\r\n"
HOSTILE = {
    "nothing": b"",
    "no header": b"\r\n\r\n\r\n",
    "only NUL": b"\0" * 3_000_000,
    "every octet": bytes(range(256)) * 10_000,
    "lone surrogates": b"Subject: =?utf-8?q?=ED=A0=80?= =?utf-7?q?+2AA-?=\r\n"
    b"Content-Type: text/plain; charset=utf-7\r\n\r\n+2AA- +3AA-\r\n",
    "surrogates of a page": b"Content-Type: text/html\r\n\r\n&#xD800;<a href='http://a.test/&#xDFFF;'>x</a>",
    "25 MB of text": b"Subject: large\r\n\r\n" + b"line of text\r\n" * 1_800_000,
    "text of control characters": b"Subject: x\r\n\r\n" + b"\x01" * 2_000_000,
    "a header of 200 KiB": b"Subject: " + b"x" * 204_800 + b"\r\n\r\ntext",
    "10,000 fields": b"X-A: b\r\n" * 10_000 + b"\r\ntext",
    "an address list of 1 MB": b"To: " + b"a@b.test,\r\n " * 80_000 + b"c@d.test\r\n\r\ntext",
    "deep MIME": b"".join(DEEP % (n, n) for n in range(5000)) + b"\r\ntext",
    "deep messages": INSIDE * 5000 + b"Subject: in\r\n\r\ntext",
    "large text five messages deep": INSIDE * 5 + b"Subject: in\r\n\r\n" + b"\xe4\xb8\x80" * 600_000,
    "100,000 parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000,
    "names of 1 MB": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + (b'--b\r\nContent-Disposition: attachment; filename="' + b"\xe4" * 8000 + b'"\r\n\r\nx\r\n') * 1500,
    "a bomb of links": b"Content-Type: text/html\r\n\r\n"
    + b"<a href='http://a.test/"
    + b"b" * 900
    + b"'>x</a>" * 1000,
    "nested elements": b"Content-Type: text/html\r\n\r\n" + b"<table><tr><td>" * 40_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_makes_valid_json_of_bounded_size_in_bounded_time(hook: Hook, name: str) -> None:
    began = time.monotonic()
    data = described(hook, HOSTILE[name], max_raw=0)["data"]
    assert time.monotonic() - began < 30
    assert data["envelope"]["mailbox"] == BOX
    assert "text" in data, "its content could be read"


def test_what_is_too_long_is_cut_and_says_so(hook: Hook) -> None:
    data = described(hook, HOSTILE["text of control characters"], max_raw=0)["data"]
    assert data["truncated"] is True
    assert 200_000 < len(data["text"]) < 300_000
    assert "was cut" in data["notes"][-1]


def test_a_message_that_ends_its_reader_is_described_by_its_envelope(hook: Hook) -> None:
    """Here each message does, because the reader has no time."""
    name = hook.store()
    reading = reader(longest=0.0)
    event = json.loads(reading.describe(name, str(hook.pending / name)))
    reading.close()
    data = event["data"]
    assert event["id"] == name
    assert data["envelope"] == {"from": "zoe@sender.test", "to": "sales@example.test", "mailbox": BOX}
    assert data["mailbox"] == BOX
    assert base64.b64decode(data["raw"]) == (hook.pending / name).read_bytes()
    assert data["truncated"] is True
    assert "could not be read" in data["notes"][0]


def test_a_reader_that_was_killed_is_started_again(hook: Hook) -> None:
    reading = reader()
    try:
        for _ in range(3):
            name = hook.store()
            assert json.loads(reading.describe(name, str(hook.pending / name)))["data"]["text"]
            assert reading._child
            reading._child.kill()
            reading._child.wait()
    finally:
        reading.close()


def test_nothing_below_our_received_field_is_taken_for_the_envelope() -> None:
    name = "1790000000.M000001P1Q1Rabcdef01.mx1.00000000"
    forged = b"Return-Path: <f@f.test>\r\nDelivered-To: forged@example.test\r\n"
    ours = TRACE.format(sender="zoe@sender.test", box=BOX, above="", identity="M000001P1Q1Rabcdef01").encode()
    real = Envelope("zoe@sender.test", "sales@example.test", BOX)
    assert envelope(ours + forged + b"\r\n", name, BOX) == real
    assert envelope(b"Subject: x\r\n" + forged, name, BOX) == Envelope(mailbox=BOX)
    assert envelope(ours.replace(b"zoe@sender.test", b""), name, BOX) == Envelope("", real.recipient, BOX)


SENT_TO = (
    "alice+shop@example.test",
    "anybody@example.test",  # by the catch-all
    "ALICE@Example.TEST",
    '"../../../etc/x"@example.test',
    '"a>b"@example.test',
    '"bob@example.test> x"@example.test',
    r'"a\"> b"@example.test',
    '"x;id M9P9Q9Rff"@example.test',
)


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("sent_to", SENT_TO)
def test_the_mailbox_is_ours_and_the_recipient_as_the_sender_wrote_it(
    tmp_path: Path, sent_to: str, single: bool
) -> None:
    recipient, identity = parse_address(sent_to), "M000001P1Q1Rabcdef01"
    origin = trace.Origin("mail.sender.test", "192.0.2.1", "ESMTP", None)
    written = str(recipient)
    above = trace.copy_fields(None, written)
    above += trace.received_field(origin, "mx1.example.test", identity, written if single else None, 1.79e9)
    file = f"1790000000.{identity}.mx1"
    known = boxes(["bob@example.test", BOX, "Zoë@example.test"])
    for mailbox, said in (
        (Mailbox("example.test", "alice"), BOX),
        (Mailbox("example.test", "zoë"), "zoë@example.test"),
        (Mailbox("example.test", "gone"), ""),
    ):
        name = hook_queue.link_name(file, mailbox)
        (tmp_path / name).write_bytes(above + PLAIN)
        found = read_envelope(file_of(name, str(tmp_path / name)), mailbox_of(name, known))
        assert found == Envelope("", written, said)
        data = json.loads(describe(above + PLAIN, above, name, said, 0))["data"]
        assert data["mailbox"] == data["envelope"]["mailbox"] == (said or None)
        assert data["envelope"]["to"] == written
        unread = json.loads(without_content(above, found, name, 0))["data"]
        assert unread["mailbox"] == unread["envelope"]["mailbox"] == (said or None)


def test_a_message_that_cannot_be_parsed_is_delivered(tmp_path: Path, target: Target) -> None:
    hook = Hook(tmp_path, url=target.url(), allow_private=True)
    names = [hook.store(HOSTILE[each]) for each in ("nothing", "every octet", "deep MIME", "only NUL")]
    with hook.running():
        wait_until(lambda: not hook.names(), "an empty queue")
    assert target.ids == dict.fromkeys(names, 1)
    for each in target.requests:
        assert json.loads(each.body)["id"] == each.id
        assert each.headers["content-type"] == "application/json"
