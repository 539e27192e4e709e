"""Parsing the paths of MAIL and RCPT."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.addresses import Address, AddressError, parse_path
from receiver.smtp.replies import bad_argument


@pytest.mark.parametrize(
    ("argument", "local", "domain"),
    [
        ("TO:<alice@example.test>", "alice", "example.test"),
        ("to:<alice@EXAMPLE.Test>", "alice", "example.test"),
        ("TO: <alice@example.test>", "alice", "example.test"),
        ("TO:alice@example.test", "alice", "example.test"),
        ("TO:<alice@example.test.>", "alice", "example.test"),
        ("TO:<@relay.test,@other.test:alice@example.test>", "alice", "example.test"),
        ('TO:<"alice"@example.test>', "alice", "example.test"),
        (r'TO:<"a \"b\" @> c"@example.test>', 'a "b" @> c', "example.test"),
        ("TO:<postmaster>", "postmaster", ""),
        ("TO:<Postmaster>", "Postmaster", ""),
        ("TO:<a@[192.0.2.1]>", "a", "[192.0.2.1]"),
        ("TO:<a@[IPv6:2001:db8::1]>", "a", "[ipv6:2001:db8::1]"),
        ("TO:<bücher@bücher.example>", "bücher", "bücher.example"),
        ("TO:<bu\u0308cher@BU\u0308CHER.example>", "bücher", "bücher.example"),
        ("TO:<" + "x" * 200 + "@example.test>", "x" * 200, "example.test"),
        ("TO:<a..b.@example.test>", "a..b.", "example.test"),
        ("TO:<a+tag/x=y{z}@example.test>", "a+tag/x=y{z}", "example.test"),
        ("TO:<a@under_score.test>", "a", "under_score.test"),
    ],
)
def test_a_path_is_understood(argument: str, local: str, domain: str) -> None:
    assert parse_path("TO", argument).address == Address(local, domain)


def test_the_null_path_is_no_address() -> None:
    assert parse_path("FROM", "FROM:<> SIZE=10").address is None
    assert parse_path("FROM", "FROM: <>").address is None


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        ("", "501 5.5.4"),
        ("FROM", "501 5.5.4"),
        ("TO:<a@b.test>", "501 5.5.4"),
        ("FROM:", "501 5.1.3"),
        ("FROM:<", "501 5.1.3"),
        ("FROM:<a", "501 5.1.3"),
        ("FROM:<a@", "501 5.1.3"),
        ("FROM:<@b.test>", "501 5.1.3"),
        ("FROM:<a@b.test", "501 5.1.3"),
        ("FROM:<a@b.test>x", "501 5.1.3"),
        ("FROM:<a b@c.test>", "501 5.1.3"),
        ("FROM:<a@b@c.test>", "501 5.1.3"),
        ("FROM:<a@-b.test>", "501 5.1.3"),
        ("FROM:<a@b..test>", "501 5.1.3"),
        ("FROM:<a@" + "b" * 64 + ".test>", "501 5.1.3"),
        ("FROM:<a@[300.0.0.1]>", "501 5.1.3"),
        ("FROM:<a@[IPv6:::::1]>", "501 5.1.3"),
        ("FROM:<a\x01@b.test>", "501 5.1.3"),
        ("FROM:<a\x85@b.test>", "501 5.1.3"),
        ("FROM:<a\udcff@b.test>", "501 5.1.3"),
        ('FROM:<"a@b.test>', "501 5.1.3"),
        ("FROM:<a@b.test> SIZE=1 size=2", "501 5.5.4"),
        ("FROM:<a@b.test> =1", "501 5.5.4"),
        ("FROM:<a@b.test> SIZE=", "501 5.5.4"),
    ],
)
def test_a_bad_path_has_the_status_of_its_reply(argument: str, code: str) -> None:
    with pytest.raises(AddressError) as raised:
        parse_path("FROM", argument)
    assert str(bad_argument(raised.value.enhanced, str(raised.value))).startswith(f"{code} ")


def test_parameters_are_read() -> None:
    path = parse_path("FROM", "FROM:<a@b.test> SIZE=100 body=8BITMIME SMTPUTF8 AUTH=<> ENVID=x+2By")
    assert path.parameters == {
        "SIZE": "100", "BODY": "8BITMIME", "SMTPUTF8": None, "AUTH": "<>", "ENVID": "x+2By"
    }  # fmt: skip


def test_an_address_prints_as_it_must_be_quoted() -> None:
    assert str(Address("alice", "a.test")) == "alice@a.test"
    assert str(Address('a "b\\', "a.test")) == '"a \\"b\\\\"@a.test'


@given(st.text(max_size=60))
def test_any_text_raises_nothing_but_an_address_error(text: str) -> None:
    try:
        address = parse_path("TO", "TO:<" + text).address
    except AddressError as error:
        assert error.enhanced in ("5.1.3", "5.5.4")
    else:
        assert address is None or not set("\r\n\0") & set(str(address))


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30))
def test_a_printed_address_can_be_parsed_back(local: str) -> None:
    address = Address(local, "example.test")
    assert parse_path("TO", f"TO:<{address}>").address == address
