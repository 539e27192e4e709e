"""Charset labels mean what browsers take them for, also if the octets are in another charset."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import charsets

# Octets as senders write them under a label, and what they mean (WHATWG Encoding Standard, section 4.2).
MEANT = [
    ("iso-8859-1", b"\x93x\x94 \x80 \x81", "“x” € \x81"),
    ("latin1", b"\x99", "™"),
    ("us-ascii", b"\xe9", "é"),
    ("us-ascii", "é".encode(), "é"),
    ("iso-8859-9", b"\x80\xfe", "€ş"),
    ("iso-8859-11", b"\x80\xa1", "€ก"),
    ("tis-620", b"\xa1\xa2", "กข"),
    ("gb2312", b"\xd6\xec\xac\x51 \x80", "朱琎 €"),
    ("gbk", b"\x95\x32\x90\x31", "𠂇"),
    ("x-gbk", b"\xc4\xe3", "你"),
    ("big5", b"\xf9\xd6\x88\x62", "碁Ê̄"),
    ("shift_jis", b"\x87\x40\xee\xe0", "①髙"),
    ("x-sjis", b"\x82\xa0", "あ"),
    ("euc-jp", b"\xad\xa1\xad\xea", "①㈱"),
    ("iso-2022-jp", b"\x1b$B-!\x1b(B\x1b(I1", "①ｱ"),
    ("ks_c_5601-1987", b"\x8cc", "똠"),
    ("euc-kr", b"\xb0\xa1\x8cc", "가똠"),
    ("windows-949", b"\x8cc", "똠"),
    ("iso-2022-kr", b"\x1b$)C\x0e0!\x0f", "가"),
    ("hz-gb-2312", b"~{VPND~}", "中文"),
    ("utf-7", b"+AOk-", "é"),
    ("unicode-1-1-utf-7", b"+AOk-", "é"),
    ("utf-16", b"\xe9\0", "é"),
    ("utf-16", b"\0\xe9", "é"),
    ("utf-16le", b"\xe9\0", "é"),
    ("koi8-r", b"\xd0\xd2", "пр"),
    ("koi8-u", b"\xa4", "є"),
    ("windows-1251", b"\xef\xf0", "пр"),
    ("cp1251", b"\xef\xf0", "пр"),
    ("win-1257", b"\xd5\xc4", "ÕÄ"),
    ("macintosh", b"\x8e", "é"),
    ("ibm866", b"\x80", "А"),  # noqa: RUF001
    ("cp437", b"\x82", "é"),
    ("cp-850", b"\x82", "é"),
    ("iso-8859-15", b"\xa4", "€"),
    ("latin-9", b"\xa4", "€"),
    ("iso-8859-8-i", b"\xe0", "א"),
    ("iso8859-2", b"\xb1", "ą"),
    ('"UTF-8"', "é".encode(), "é"),
    ("utf8", "é".encode(), "é"),
    ("iso-UTF-8", "é".encode(), "é"),
    ("unicode", b"\xff\xfe\xe9\0", "é"),
    ("klingon", b"\xe9", "é"),
    ("klingon", "é".encode(), "é"),
    ("unknown-8bit", b"\xe9", "é"),
    ("", b"\xe9", "é"),
    ("", "é\xff".encode("latin-1"), "éÿ"),
    ("utf-8", b"\xef\xbb\xbfx", "x"),
    ("iso-8859-1", b"\xef\xbb\xbf\xc3\xa9", "é"),
    ("gb2312", "你好，世界".encode(), "你好，世界"),  # noqa: RUF001
    ("euc-kr", "안녕하세요 é".encode(), "안녕하세요 é"),
    ("shift_jis", "日本語です".encode(), "日本語です"),
]  # fmt: skip


@pytest.mark.parametrize(("label", "octets", "text"), MEANT)
def test_a_label_means_what_browsers_take_it_for(label: str, octets: bytes, text: str) -> None:
    assert charsets.decode(octets, label) == text


@pytest.mark.parametrize(
    "label", ["idna", "punycode", "zlib", "rot13", "unicode_escape", "../os", "\0", "undefined"]
)
def test_a_codec_that_is_no_charset_is_not_used(label: str) -> None:
    assert not charsets.is_known(label)


@given(st.binary(max_size=60), st.sampled_from([label for label, _, _ in MEANT]))
def test_any_octets_become_text_that_can_be_written(octets: bytes, label: str) -> None:
    charsets.decode(octets, label).encode("utf-8")


@given(st.text(max_size=20), st.binary(max_size=20))
def test_any_label_is_harmless(label: str, octets: bytes) -> None:
    charsets.decode(octets, label).encode("utf-8")
