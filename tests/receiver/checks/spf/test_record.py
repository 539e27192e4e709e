"""The parser of records: right for what the grammar has, a permerror for the rest, and never slow."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from receiver.checks.spf import macros
from receiver.checks.spf.macros import PermanentError
from receiver.checks.spf.record import Mechanism, Network, Record, is_record, parse

SIZE = 65_536


@pytest.mark.parametrize(
    ("term", "mechanism"),
    [
        ("all", Mechanism("pass", "all")),
        ("-All", Mechanism("fail", "all")),
        ("~a", Mechanism("softfail", "a")),
        ("?mx/24", Mechanism("neutral", "mx", None, 24)),
        ("a//64", Mechanism("pass", "a", None, 32, 64)),
        ("a/0//0", Mechanism("pass", "a", None, 0, 0)),
        ("a:b.test/24//64", Mechanism("pass", "a", ("b.test",), 24, 64)),
        ("a:b/c.test/24", Mechanism("pass", "a", ("b/c.test",), 24)),
        ("a:1/2.b.test", Mechanism("pass", "a", ("1/2.b.test",))),
        ("a:b.test-1", Mechanism("pass", "a", ("b.test-1",))),
        ("a:b.t-1/8", Mechanism("pass", "a", ("b.t-1",), 8)),
        ("a:%{d/}/8", Mechanism("pass", "a", (macros.Macro("d", delimiters="/"),), 8)),
        ("a:b.%%", Mechanism("pass", "a", ("b.", "%"))),
        ("a:b.%%_", None),
        ("a:b.%{d}c", None),
        ("a:%{d}.c.", Mechanism("pass", "a", (macros.Macro("d"), ".c."))),
        ("ip4:192.0.2.0/24", Mechanism("pass", "ip4", network=Network(4, 0xC00002, 8))),
        ("ip4:192.0.2.1/0", Mechanism("pass", "ip4", network=Network(4, 0, 32))),
        ("ip6:::1", Mechanism("pass", "ip6", network=Network(6, 1, 0))),
        ("exists:%{I2R-+}.x.test",
         Mechanism("pass", "exists", (macros.Macro("i", 2, True, "+-", True), ".x.test"))),
    ],
)  # fmt: skip
def test_a_term_is_parsed(term: str, mechanism: Mechanism | None) -> None:
    if mechanism is None:
        with pytest.raises(PermanentError):
            parse(f"v=spf1 {term}".encode())
    else:
        assert parse(f"v=spf1 {term}".encode()) == Record((mechanism,))


@pytest.mark.parametrize(
    "term",
    [
        "all:", "all/8", "-", "+-all", "++all", "al", "allx", "a:", "a/", "a/33", "a/08", "a//129", "a/8/64",
        "a:/8", "a:b.test/", "a:b.test/24/", "a:b", "a:b.1", "a:b.-c", "a:b.c-", "a:b..", "mx:", "mx/8//",
        "ptr:", "ptr/8", "ptr:b.test/8", "include", "include:", "include:b.test/8", "exists", "exists:",
        "ip4", "ip4:", "ip4/8", "ip4:192.0.2", "ip4:192.0.2.256", "ip4:192.0.2.01", "ip4:192.0.2.1/33",
        "ip4:192.0.2.1/08", "ip4:192.0.2.1//8", "ip4:192.0.2.1/", "ip4:::1", "ip4:b.test", "ip4:192.0.2.1:25",
        "ip6", "ip6:192.0.2.1", "ip6:::1/129", "ip6:::1%eth0", "ip6:[::1]", "ip6:::1//64", "ip6:1:2",
        "redirect=", "exp=", "redirect=b", "exp=b.test/8", "redirect=a.test redirect=a.test",
        "exp=a.test EXP=a.test", "a=%", "a=%{x}", "=x", "1=x", "a:%{d", "a:%d", "a:%{d0}", "a:%{d00}",
        "a:%{dx}", "a:%{d.2}", "a:%{c}", "exists:%{r}.x.test", "exists:%{t}", "redirect=%{c}", "%{d}",
        "a:b.c d",
    ],
)  # fmt: skip
def test_what_is_not_in_the_grammar_is_an_error(term: str) -> None:
    with pytest.raises(PermanentError):
        parse(f"v=spf1 {term}".encode())


@pytest.mark.parametrize("term", ["x=", "x=%{c}", "x=%%", "x-1_2.3=!", "ip4=192.0.2.1", "all=", "default=x"])
def test_unknown_modifiers_are_passed_over(term: str) -> None:
    assert parse(f"v=spf1 {term} {term}".encode()) == Record(())


def test_an_error_of_a_record_says_the_same_each_time_and_keeps_no_frames() -> None:
    errors = []
    for _ in range(3):
        with pytest.raises(PermanentError) as caught:
            parse(b"v=spf1 what")
        errors.append(caught.value)
    assert {str(error) for error in errors} == {"cannot read 'what'"}
    assert len(set(map(id, errors))) == 3


def test_only_short_records_are_remembered() -> None:
    """A stranger could fill our memory with long ones."""
    short, long = (b"v=spf1 " + b"ip4:10.0.0.0/8 " * times for times in (10, 100))
    assert parse(short) is parse(short)
    assert parse(long) is not parse(long)


WORDS = st.text('avmxip46:/.%{}+-=_ dslrhcptoSLR019\\"é', max_size=40)
TERMS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "+", "-", "~", "?"]),
    st.sampled_from(["all", "a", "mx", "ptr", "ip4", "ip6", "include", "exists", "redirect", "exp", "x"]),
    st.sampled_from(["", ":", "/", "="]),
    st.one_of(WORDS, st.sampled_from(["192.0.2.1/24", "2001:db8::/32", "b.test", "%{ir}.%{v}.x.test"])),
)


@given(st.one_of(st.binary(), st.lists(st.one_of(WORDS, TERMS)).map(lambda words: " ".join(words).encode())))
@example(b"exists:%{d" + b"9" * 5_000 + b"}.x.test")
@example(b"ip6:" + b"0" * 5_000)
@example(b"a/" + b"9" * 5_000)
def test_any_octets_are_a_record_or_a_permanent_error(octets: bytes) -> None:
    record = b"v=spf1 " + octets
    assert is_record(record)
    try:
        parsed = parse(record)
    except PermanentError as error:
        assert str(error).isprintable() and str(error).isascii() and len(str(error)) < 200
    else:
        assert all(
            mechanism.result in ("pass", "fail", "softfail", "neutral") for mechanism in parsed.mechanisms
        )


@pytest.mark.parametrize(
    "start, piece, end",
    [
        ("", "a:", ""), ("a:x/", "/", ""), ("a:x.y", "/1", ""), ("a:x.y/", "1", ""), ("exists:", "%{", ""),
        ("exists:", "%{i}", ".x"), ("exists:x.%{d", "1", "}"), ("exists:x.%{d", ".-", "}"),
        ("include:x.", "a-", ""), ("include:x.", "a", "_"), ("include:x.", "1", ""), ("", "ip4:1.2.3.4 ", ""),
        ("", "ip6:::1 ", ""), ("", "a ", ""), ("", "a:b.c ", ""), ("", "a=b ", ""), ("", "a=%{i} ", ""),
        ("", "a=", ""), ("exists:", "%%", ""), ("", " ", ""), ("a:", ".", ""), ("ip6:", ":", ""),
        ("ip6:", "1:", ""), ("ip4:", "1.", ""), ("ip4:", "1", ""), ("", "a", "="), ("", "a", ""),
        ("exp=", "a.", "b"), ("a:%{d}", "/", ""), ("a:x.y", "/1//", "z"),
    ],
)  # fmt: skip
def test_64_kibibytes_of_anything_take_little_time(start: str, piece: str, end: str) -> None:
    record = f"v=spf1 {start}{piece * (SIZE // len(piece))}{end}".encode()
    assert any(seconds_of_parsing(record) < 0.1 for _ in range(8)), "of eight times none was fast"


def seconds_of_parsing(record: bytes) -> float:
    """The processor time of it. Other work on the machine makes even this longer now and then."""
    started = time.process_time()
    with suppress(PermanentError):
        parse(record)
    return time.process_time() - started
