"""Whatever a stranger sends or publishes: no exception, a bounded time, constant memory."""

from __future__ import annotations

import base64
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.checks import header_fields
from receiver.checks.dkim import Signatures, key, tags, verification
from receiver.checks.dkim import signature as signature_field
from receiver.checks.results import DKIM
from tests.receiver.checks.dkim.messages import (
    BODY,
    FIELDS,
    NOW,
    TAGS,
    ask,
    message,
    record,
    rsa,
    signed,
    unusual,
    zone,
)
from tests.receiver.checks.dkim.naive import sign

RESULTS = {"pass", "fail", "policy", "permerror", "temperror"}
SIZE = 256 * 1024
WORDS = st.sampled_from(
    [
        *(b"v=1", b"a=rsa-sha256", b"d=example.com", b"s=sel", b"h=from:subject", b"b=AAAA"),
        *(b"bh=" + b"A" * 43 + b"=", b"l=1", b"i=@example.com", b"c=", b"relaxed", b"k=ed25519", b"p="),
        *(b"/", b";", b"; ", b"=", b" ", b"\r\n\t", b":", b"@", b"\xc3\xa9", b"\xff", b"\0", b"DKIM1"),
        *(b"t=s", b"x=", b"9" * 30, b".", b"xn--a", b"=C3", b'"('),
    ]
)
VALUES = st.lists(WORDS, max_size=25).map(b"".join) | st.binary(max_size=80)


@settings(max_examples=1500, deadline=None)
@given(
    value=VALUES, text=VALUES, body=VALUES, name=st.sampled_from([b"DKIM-Signature:", b"dkim-signature :"])
)
def test_any_signature_and_any_key_have_a_result(value: bytes, text: bytes, body: bytes, name: bytes) -> None:
    found = one_result(name + value + b"\r\n", text, body)
    assert found.result in RESULTS
    assert found.result != "pass"
    for shown in (found.domain, found.selector, found.algorithm, found.signature):
        assert shown.isascii() and (shown == "" or shown.isprintable()) and '"' not in shown
    assert found.identity.isprintable()
    assert found.reason.isascii() and found.reason.isprintable()


@settings(max_examples=1500, deadline=None)
@given(piece=VALUES, at=st.integers(0, 400), record_piece=VALUES)
def test_a_spoiled_signature_and_a_spoiled_key_have_a_result(
    piece: bytes, at: int, record_piece: bytes
) -> None:
    good = sign(FIELDS, BODY, rsa(), TAGS)
    text = record(rsa())
    where = 15 + at % (len(good) - 17)
    for raw, published in (
        (good[:where] + piece + good[where:], text),
        (good, text[: at % len(text)] + record_piece + text[at % len(text) :]),
    ):
        assert one_result(raw, published, BODY).result in RESULTS


def one_result(raw: bytes, text: bytes, body: bytes) -> DKIM:
    fields = [(name.lower(), name + b":" + value + b"\r\n") for name, value in FIELDS]
    signatures = Signatures([(b"dkim-signature", raw), *fields], now=NOW)
    signatures.update(body)
    ask(signatures, zone(text))
    (found,) = signatures.results()
    return found


OTHER_TAGS = {
    name: name + b"=" + value
    for name, value in {
        b"v": b"1", b"a": b"rsa-sha256", b"d": b"example.com", b"s": b"sel", b"h": b"from", b"b": b"AAAA",
        b"bh": b"A" * 43 + b"=",
    }.items()
}  # fmt: skip
PARTS = [
    *(b"x", b";", b"=", b"b=", b" ", b"\t", b"\r\n ", b"b", b":", b"from:", b"a.", b"a-", b"@", b"=3D"),
    *(b"A \r\n\t", "\u00e9".encode(), b"=C3=A9", b"a=b;", b"\0", b"9", b"; b", b"\r", b"i=", b"xn--"),
    *("\u2060".encode(), "\u3002".encode()),
]


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_256_kib_of_anything_take_no_100_ms(part: bytes) -> None:
    run = part * (SIZE // len(part))
    for name in (*OTHER_TAGS, b"i", b"l", b"z", b"c", b"q", b"t", b"x"):
        others = [tag for other, tag in OTHER_TAGS.items() if other != name]
        raw = b"DKIM-Signature:" + b";".join([*others, name + b"=" + run]) + b"\r\n"
        within(0.1, lambda raw=raw: Signatures(header_fields.split(raw)))  # type: ignore[misc]
    for raw in (run, b"DKIM-Signature:" + run + b"\r\n", b"DKIM-Signature" + run + b":v=1\r\n"):
        within(0.1, lambda raw=raw: Signatures(header_fields.split(raw)))  # type: ignore[misc]
    for text in (run, b"v=DKIM1; p=" + run, b"k=ed25519;p=" + run, b"p=" + base64.b64encode(run)):
        within(0.1, lambda text=text: load(text))  # type: ignore[misc]


def load(text: bytes) -> None:
    with contextlib.suppress(tags.Refused):
        found = key.parse(text)
        verification.load(found.kind, found.octets)


def within(seconds: float, run: Callable[[], object]) -> None:
    """The best of three, since the machine has other work too."""
    best = 9e9
    for _ in range(3):
        began = time.process_time()
        run()
        best = min(best, time.process_time() - began)
        if best < seconds:
            return
    raise AssertionError(f"{best * 1000:.0f} ms")


def test_eight_signatures_of_a_header_section_of_256_kib_take_no_100_ms() -> None:
    for size in (4, 60, 990):
        count = 190 * 1024 // (size + 6)
        fields = [(b"X-a", b" " + b"y \t" * (size // 3)) for _ in range(count)] + list(FIELDS)
        names = [b"x-a"] * count + [b"from"]
        raws = [
            sign(fields, BODY, rsa(1024), TAGS | {"h": ":".join(["from"] + ["x-a"] * 1500)}, names)
            for _ in range(8)
        ]
        octets = message(fields, b"", *raws)
        signatures = Signatures(header_fields.split(octets))
        signatures.update(BODY)
        ask(signatures, zone(*[record(rsa(1024))] * 4))
        began = time.process_time()
        found = signatures.results()
        taken = time.process_time() - began
        assert {each.reason for each in found} == {"the signature does not fit"}
        assert taken < 0.1, f"{taken * 1000:.0f} ms for fields of {size} octets"


def test_eight_signatures_with_four_keys_of_8192_bits_each_take_no_100_ms() -> None:
    """The keys have the largest exponent that is taken, and are all different."""
    raws = [sign(FIELDS, BODY, rsa(), TAGS | {"s": f"s{n}"}) for n in range(8)]
    raws = [raw.partition(b"\tb=")[0] + b"\tb=" + base64.b64encode(b"\x55" * 1024) + b"\r\n" for raw in raws]
    exponents = iter(range(2**33 - 1, 2**32, -2))
    records = {
        f"s{n}._domainkey.example.com": [b"p=" + unusual(8192, next(exponents)).encode() for _ in range(4)]
        for n in range(8)
    }
    signatures = Signatures(header_fields.split(message(FIELDS, b"", *raws)))
    signatures.update(BODY)
    ask(signatures, records)
    began = time.process_time()
    found = signatures.results()
    taken = time.process_time() - began
    assert {(each.reason, each.bits) for each in found} == {("the signature does not fit", 8192)}
    assert taken < 0.1, f"{taken * 1000:.0f} ms"


@pytest.mark.parametrize("unit", [b"\r\n", b" ", b"\t", b"\r", b" \r\n", b"x", b"\n", b"\r\r\n", b"x \t\r\n"])
@pytest.mark.parametrize("piece", [16, 65536])
def test_a_mebibyte_of_anything_in_any_pieces_takes_no_second(unit: bytes, piece: int) -> None:
    octets = sign(FIELDS, BODY, rsa(), TAGS) + sign(FIELDS, BODY, rsa(), TAGS | {"c": "simple", "l": "5"})
    body = unit * ((1 << 20) // len(unit))

    def hashed() -> None:
        signatures = Signatures(header_fields.split(octets))
        for at in range(0, len(body), piece):
            signatures.update(body[at : at + piece])
        signatures.results()

    within(1.0 if piece == 16 else 0.1, hashed)


_MEMORY = """
import sys, resource, time
from receiver.checks.dkim import Signatures, verification
unit = bytes.fromhex(sys.argv[1])
raw = bytes.fromhex(sys.argv[2])
signatures = Signatures([(b"dkim-signature", raw), (b"dkim-signature", raw.replace(b"relaxed", b"simple"))])
piece = unit * (65536 // len(unit))
signatures.update(piece)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
for _ in range(24 * 16):
    signatures.update(piece)
assert [each.result for each in signatures.results()] == ["fail", "fail"], signatures.results()
print(peak() - before)
"""


@pytest.mark.parametrize("unit", [b"\r\n", b" ", b"\r", b"x", b"text  text\t\r\n", b" \r\n", b"\n"])
def test_24_mib_of_anything_are_hashed_in_constant_memory(unit: bytes) -> None:
    raw = sign(FIELDS, BODY, rsa(), TAGS)
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, unit.hex(), raw.hex()],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[4],
    )  # fmt: skip
    assert int(done.stdout) < 1024, f"{done.stdout.strip()} KiB more than after the first 64 KiB"


def test_the_keys_that_are_kept_are_bounded() -> None:
    for number in range(600):
        key.parse(b"v=DKIM1; n=%d; p=AAAA" % number)
    assert key._kept.cache_info().currsize <= 256
    long = b"v=DKIM1; n=" + b"x" * 3000 + b"; p=AAAA"
    before = key._kept.cache_info()
    key.parse(long)
    assert key._kept.cache_info() == before


def test_a_refused_key_is_refused_again_from_the_cache() -> None:
    for _ in range(3):
        with pytest.raises(tags.Refused, match="revoked") as caught:
            key.parse(b"v=DKIM1; p=")
    assert caught.value.__context__ is None


def test_bare_line_feeds_are_octets_as_any_other() -> None:
    for octets in (b"a\nb\n", b"\n\n\n", b"a\n\r", b"\r\n\n"):
        assert one_result(sign(FIELDS, octets, rsa(), TAGS), record(rsa()), octets).result == "pass"


def test_a_hostile_field_is_parsed_by_itself() -> None:
    with pytest.raises(tags.Refused):
        signature_field.parse(b"no colon at all", {})
    assert signed()
