"""The packets between a client and the service."""

from __future__ import annotations

import pytest

from receiver.bucket import protocol
from receiver.bucket.protocol import Copy, ProtocolError, Put
from receiver.mailbox import Mailbox

FIELDS = b"Return-Path: <a@sender.example>\r\nDelivered-To: b@example.com\r\n"


def put(copies: int = 2, size: int = 12, at: int = 0) -> Put:
    boxes = [Mailbox("example.com", f"ünï {number}") for number in range(copies)]
    return Put("1.M1P2Q3R4.mx", "authentic", [Copy(each, FIELDS) for each in boxes], 5, size, at)


def test_a_put_with_its_content_is_the_same_on_the_other_side() -> None:
    packet, lead = protocol.pack_put(7, put(), [b"trace", b"content"])
    head, octets = protocol.unpack(packet)
    assert not lead and head["n"] == 7
    assert protocol.parse_put(head, octets) == (put(), b"tracecontent")


def test_a_put_by_descriptor_has_no_content_in_its_packet() -> None:
    packet, lead = protocol.pack_put(7, put(size=26_214_400, at=99), None)
    assert not lead and len(packet) < 500
    assert protocol.parse_put(*protocol.unpack(packet)) == (put(size=26_214_400, at=99), None)


def test_a_thousand_copies_go_by_descriptor_of_their_own() -> None:
    many = put(1000)
    packet, lead = protocol.pack_put(7, many, [b"tracecontent"])
    head, octets = protocol.unpack(packet)
    assert len(packet) < 100 and head == {"n": 7, "op": "put", "lead": len(lead)}
    assert octets == b"tracecontent"
    inner, rest = protocol.unpack(lead)
    assert protocol.parse_put(inner, rest + octets) == (many, b"tracecontent")


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a/b"},
        {"name": ""},
        {"name": "a\nb"},
        {"sender": "pass"},
        {"copies": []},
        {"copies": [["example.com", "../x", 62]]},
        {"copies": [["example.com", "", 62]]},
        {"copies": [["example.com", "b", -1]]},
        {"copies": "b"},
        {"size": 11},
        {"size": True},
        {"size": -1},
        {"trace": 13},
        {"trace": None},
        {"at": 1.5},
    ],
)
def test_a_put_that_is_none_is_refused(change: dict[str, object]) -> None:
    head, octets = protocol.unpack(protocol.pack_put(7, put(), [b"tracecontent"])[0])
    with pytest.raises(ProtocolError):
        protocol.parse_put(head | change, octets)


@pytest.mark.parametrize("packet", [b"", b"x", b"[]\n", b"\xff\n", b"{}{}\n", b"[" * 100_000])
def test_a_packet_without_an_object_is_refused(packet: bytes) -> None:
    with pytest.raises(ProtocolError):
        protocol.unpack(packet)


def test_a_reply_says_its_error_in_one_line() -> None:
    packet = protocol.pack_reply(3, 110, "too\nlate")
    assert packet.count(b"\n") == 1
    assert protocol.unpack(packet)[0] == {"n": 3, "errno": 110, "error": "too\nlate"}
