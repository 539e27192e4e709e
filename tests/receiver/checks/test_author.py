"""The domain that is judged is the one that a reader is shown. What can be read in two ways has no author."""

from __future__ import annotations

from email.utils import getaddresses

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from receiver import headers
from receiver.checks import author, header_fields

MUENCHEN = "xn--mnchen-3ya.test"


def judged(head: bytes) -> str:
    return author.domain(header_fields.split(head))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a@example.com", "example.com"),
        ('"A, B" <a@Example.COM>', "example.com"),
        ("A B <a@x.test>, c@x.test", "x.test"),
        ("a@x.test, b@X.TEST., <c@x.test>", "x.test"),
        (", a@x.test,,", "x.test"),
        ("John Q. Public <j@x.test>", "x.test"),
        ("Mail Delivery System <MAILER-DAEMON@x.test>", "x.test"),
        ("[GitHub] Bot <bot@x.test>", "x.test"),
        ("=?utf-8?Q?J=C3=B6rg?= <j@x.test>", "x.test"),
        ("J\u00f6rg <j\u00f6rg@x.test>", "x.test"),
        ("=?utf-8?q?support=40bank.test?= <a@evil.test>", "evil.test"),
        ('"a@bank.test" <b@evil.test>', "evil.test"),
        ("a@x.test <b@x.test>", "x.test"),
        ("a@bank.test(x@evil.test)", "bank.test"),
        ("a(b@c.test)@bank.test", "bank.test"),
        ("(a@evil.test) <b@bank.test> (c (d\\) e))", "bank.test"),
        ("a@x.test (Comment (nested))", "x.test"),
        ("<@route.test:a@bank.test>", "bank.test"),
        ("<@route.test,@other.test:a@bank.test>", "bank.test"),
        ("group: a@x.test, b@x.test;", "x.test"),
        ('"A": a@x.test;, b@x.test', "x.test"),
        ("a@\r\n x.test", "x.test"),
        ("a @ x.test", "x.test"),
        ('"a\\"b" <q@x.test>', "x.test"),
        ('"ceo@x"@bank.test', "bank.test"),
        ("john . smith@x.test", "x.test"),
        ("a.@x.test", "x.test"),
        (".a@x.test", "x.test"),
        ("a@my-domain.com", "my-domain.com"),
        ("a@_spf.x.test", "_spf.x.test"),
        ("a@x.test.", "x.test"),
        ("a@m\u00fcnchen.test", MUENCHEN),
        ("a@M\u00dcNCHEN.test", MUENCHEN),
        ("a@xn--mnchen-3ya.test, b@m\u00fcnchen.test", MUENCHEN),
        ("a@\u4f8b\u5b50.test", "xn--fsqu00a.test"),
    ],
)
def test_one_domain(value: str, expected: str) -> None:
    assert judged(f"To: me\r\nFrom: {value}\r\nSubject: x\r\n".encode()) == expected


@pytest.mark.parametrize(
    "value",
    [
        # No address, or several domains
        "", "nobody", "a@", "@x.test", "<>", "Undisclosed:;", "a@x.test, b@y.test", "g: a@x.test; , b@y.test",
        "a@bank.test <b@evil.test>", "Doe, John <j@x.test>", '"a@bank.test", <b@evil.test>', "a@localhost",
        # Addresses that are not set apart
        "<a@evil.test> <b@bank.test>", "<a@evil.test> b@bank.test", "a@bank.test b@evil.test",
        "a@b.test@c.test", "a@bank.test; b@evil.test", "John Smith a@x.test", 'a"b"@x.test',
        "g: h: a@x.test;;", "g: a@x.test, h: b@x.test;", "a@x.test;",
        "g: a@x.test", ": a@x.test;", "<a@x.test> Name", "A <<a@x.test>>", "<a@x.test", "a@x.test>",
        # Domains that are none, or that a reader may see as two words
        "a@[192.0.2.1]", "a@bank .test", "a@bank.test .evil.test", "a@bank.test\r\n\t.evil.test",
        "a@bank(x).test", 'a@"bank.test"', "a@bank..test", "a@-bank.test", "a@x.test..", "a@bank=2Etest",
        f"a@{'x' * 64}.test", f"a@{'x.' * 130}test",
        # Quotes and comments that do not end, and characters that are not seen
        '"a@x.test', "(open a@x.test", "a@x.test)", "a\\@x.test", "a@x.test\x00.evil.test", "a@x.test\x7f",
        "a\x1b$B@x.test", "a@x.test\x0b", "a@x.test\rb@evil.test", "a@x\u0085.test", "a@x.test\u2028",
        # Encoded words in an address (RFC 2047 section 5)
        "=?utf-8?q?a=40bank.test=2C?=@evil.test", "<=?utf-8?q?a=40bank.test?=>", "a@=?utf-8?q?bank.test?=",
        # U-labels that IDNA 2003 and 2008 read in different ways, or that one of them forbids
        "a@stra\u00dfe.test", "a@\u03b2\u03cc\u03bb\u03bf\u03c2.test", "a@a\u200db.test", "a@\u2665.test",
        "a@bank\u3002test", "a@\uff42ank.test", "a@ba\u00adnk.test", "a@bank\u00a0.test", "a@\u1e9e.test",
        "a@xn--\u00fc.test", "a@mu\u0308nchen.test",
        # Routes that are none
        "<route.test:a@bank.test>", "<@:a@bank.test>", "<@a.test@b.test:a@bank.test>",
    ],
)  # fmt: skip
def test_no_author(value: str) -> None:
    with pytest.raises(author.NoAuthor):
        judged(f"From: {value}\r\n".encode())


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"Subject: x\r\n",
        b"From: a@x.test\r\nFrom: b@y.test\r\n",
        b"From: a@x.test\r\nFROM : a@x.test\r\n",
        b"From: a@x.test\r\n\xef\xbb\xbfFrom: b@y.test\r\n",
        b"\xef\xbb\xbfFrom: a@x.test\r\n",
        b"Subject: x\rFrom: b@y.test\r\nFrom: a@x.test\r\n",
        b"From: a@x.test, b@\xff.test\r\n",
        b"Content-Type: text/plain; charset=shift_jis\r\nFrom: a@bank.test, \x81@evil.test\r\n",
        b"Content-Type: text/plain; charset=shift_jis\r\nFrom: \x83\x5c <a@x.test>\r\n",
        b"Content-Type: text/plain; charset=iso-2022-jp\r\nFrom: \x1b$B<a@bank.test>\x1b(B <b@evil.test>\r\n",
        b"Content-Type: text/plain; charset=utf-16\r\nFrom: \xff <a@bank.test>\r\n",
        b"From: " + b"x" * 1000 + b" <a@x.test>\r\n",
        b"X: " + b"x" * headers.MAX_HEAD + b"\r\nFrom: a@x.test\r\n",
        b"not a field\r\n" * 11_000 + b"From: a@x.test\r\n",
        b"not a field\rFrom: b@y.test\r\nFrom: a@x.test\r\n",
        b"Resent-From: a@x.test\r\n",
        b"X: y\r\n From: a@x.test\r\n",
    ],
)
def test_no_author_in_the_section(head: bytes) -> None:
    with pytest.raises(author.NoAuthor):
        judged(head)


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("iso-8859-1", b"J\xf6rg"),
        ("koi8-r", b"\xe9\xd7\xc1\xce"),
        ("shift_jis", b"\x93\xfa\x96\x7b"),
        ("", b"J\xf6rg"),
    ],
)
def test_a_name_in_the_charset_of_the_message(charset: str, name: bytes) -> None:
    head = b"From: %s <a@x.test>\r\nContent-Type: text/plain; charset=%s\r\n" % (name, charset.encode())
    assert judged(head) == "x.test"


@pytest.mark.parametrize("name", [b"From", b"FROM", b"From ", b"from\t"])
def test_the_name_of_the_field_in_any_form(name: bytes) -> None:
    assert judged(b"not a field\r\n" + name + b": a@x.test\r\nResent-From: b@y.test\r\n") == "x.test"


def test_the_reason_is_for_people() -> None:
    with pytest.raises(author.NoAuthor, match=r"^2 From fields$"):
        judged(b"From: a@x.test\r\nFrom: b@y.test\r\n")
    with pytest.raises(author.NoAuthor, match=r"^addresses of several domains in From$"):
        judged(b"From: a@x.test, b@y.test\r\n")


PIECES = st.sampled_from([
    "a", "b", "<", ">", ",", ";", ":", "@", ".", "(", ")", "\\", '"', "[", "]", " ", "\t", "\r\n ", "\r",
    "\0", "\r\n", "@evil.test", "a@evil.test", "b@bank.test", "@bank.test", '"a@evil.test"', "(a@evil.test)",
    "evil.test", ".test", "group:", "\xe9", "=?utf-8?q?a=40evil.test?=", "\x1b$B", "\xa0", "\ufeff", "From:",
])  # fmt: skip
VALUES = st.lists(PIECES, max_size=10).map("".join)
LINES = st.lists(
    st.sampled_from(["From:", "from :", "\ufeffFrom:", "\nFrom:", "\rFrom:", "X:", "junk", " ", ""]).flatmap(
        lambda name: VALUES.map(lambda value: f"{name}{value}\r\n")
    ),
    max_size=4,
).map(lambda lines: "".join(lines).encode())


@settings(max_examples=1000, deadline=None)
@given(st.one_of(LINES, VALUES.map(lambda value: f"From: {value}\r\n".encode())))
@example(b"\xef\xbb\xbfFrom: b@evil.test\r\nFrom: a@bank.test\r\n")
@example(b"From: a@bank.test\r\n .evil.test\r\n")
@example(b"X: y\rFrom: b@evil.test\r\nFrom: a@bank.test\r\n")
def test_the_reader_shows_the_domain_that_is_judged(head: bytes) -> None:
    try:
        found = judged(head)
    except author.NoAuthor:
        return
    read = headers.parse_fields(head)
    assert [name for name, _ in read.all].count("from") == 1
    shown = read.raw("from").decode("ascii", "replace")
    if "\ufffd" not in shown.rpartition("@")[2]:
        addresses = [address for _, address in getaddresses([shown]) if "@" in address]
        assert {each.rpartition("@")[2].lower().removesuffix(".") for each in addresses} == {found}


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=60))
def test_any_octets_have_a_domain_or_no_author(value: bytes, name: bytes) -> None:
    for head in (b"From:" + value + b"\r\n", name + b"From:" + value, value):
        try:
            found = judged(head)
        except author.NoAuthor as reason:
            assert str(reason).isascii()
            continue
        assert found == found.lower()
        assert "." in found
