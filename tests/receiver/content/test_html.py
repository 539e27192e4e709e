"""HTML as text: what a browser shows, and nothing that a sender writes breaks it."""

from __future__ import annotations

import mmap
import os
import signal
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.content import html, isolation, markup
from receiver.content.page import Page

SHOWN = [
    ("<p>one</p><p>two</p>three", "one\n\ntwo\nthree\n"),
    ("a<br>b<br><br>c", "a\nb\n\nc\n"),
    ("a < b and c > d", "a < b and c > d\n"),
    ("a\n  b\t c", "a b c\n"),
    ("<b>a</b><i>b</i> <u>c</u>", "ab c\n"),
    ("<p>a<p>b", "a\n\nb\n"),
    ("<head><title>t</title><p>x", "x\n"),
    ("x<!-- y -->z<!--[if mso]>w<![endif]-->", "xz\n"),
    ("<![if !mso]>x<![endif]>", "x\n"),
    ("<style>p{}</style><script>a<b</script>x", "x\n"),
    ("<noscript>a <b>b</b></noscript>", "a b\n"),
    ("<textarea>a <b></textarea>", "a <b>\n"),
    ("<pre>a\n  b\n\nc</pre>d", "a\n  b\n\nc\n\nd\n"),
    ("<ul><li>a<ul><li>b</ul><li>c</ul>", "- a\n  - b\n- c\n"),
    ("<ol start=3><li>c<li>d</ol>", "3. c\n4. d\n"),
    ("<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n>\n> > b\n"),
    ("<blockquote>a<p>b<p>c</blockquote>d", "> a\n>\n> b\n>\n> c\n\nd\n"),
    ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a  b\nc  d\n"),
    ("<table><tr><td><div>a</div></td><td><div>b</div></td></tr></table>", "a  b\n"),
    ("<table><tr><td>a<br>b</td><td>c</td></tr></table>", "a\nb\nc\n"),
    ("<table><tr><td></td><td>a</td></tr></table>", "a\n"),
    ("<hr>x", "--------------------\nx\n"),
    ('<img alt="50% off">', "50% off\n"),
    ("a<img alt=b>c", "a b c\n"),
    ("<img src=x width=1 height=1>a", "a\n"),
    ("<p hidden>a</p>b", "b\n"),
    ("<p hidden style='display:block'>a</p>", "a\n"),
    ("<div style='color:red; DISPLAY : none !important'>a<div>b</div></div>c", "c\n"),
    ("<div style='max-height:0;overflow:hidden'>a</div>b", "b\n"),
    ("<div style='visibility:hidden'>a</div>b", "b\n"),
    ("<div style='font-size:0'><span style='font-size:12px'>a</span></div>", "a\n"),
    ("<div style='opacity:0.5'>a</div>", "a\n"),
    ("<p style='display:none'>a", "a\n"),
    ("&amp;lt; &copy; &nbsp; &#8364; &#x20AC; &#0; &nosuch;", "&lt; © € € \ufffd &nosuch;\n"),
    ("<select><option>a<option>b</select>", "a\nb\n"),
    ("<dl><dt>a<dd>b</dl>", "a\nb\n"),
    ("", ""),
]
LINKED = [
    ('<a href="https://a.test/?x=1&amp;y=2">a</a>', "a[1]\n\n[1] https://a.test/?x=1&y=2\n"),
    ("<a href=https://a.test>a</a> <a href=https://b.test>b</a>", "a[1] b[2]\n\n[1] https://a.test\n[2] https://b.test\n"),
    ("<a href=https://a.test>a</a> <a href=https://a.test>b</a>", "a[1] b[1]\n\n[1] https://a.test\n"),
    ("<a href=https://a.test><img src=x></a>", "[picture][1]\n\n[1] https://a.test\n"),
    ("<a href=https://a.test><img alt=logo></a>", "logo[1]\n\n[1] https://a.test\n"),
    ("<a href=https://a.test><div>a</div></a>b", "a[1]\nb\n\n[1] https://a.test\n"),
    ("<a href=https://a.test>a", "a[1]\n\n[1] https://a.test\n"),
    ("<a href=mailto:a@b.test>a</a>", "a[1]\n\n[1] mailto:a@b.test\n"),
    ("<a href=app://confirm>a</a>", "a[1]\n\n[1] app://confirm\n"),
    ("<map><area href=https://a.test alt=a></map>", "a[1]\n\n[1] https://a.test\n"),
    ("<a href='#top'>a</a><a name=b>b</a><a href='javascript:x()'>c</a><a href=https://a.test></a>", "abc\n"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "text"), [*SHOWN, *LINKED])
def test_a_document_is_shown_as_a_browser_shows_it(document: str, text: str) -> None:
    assert html.render(document) == html.Rendered(text, html.render(document).links)


def test_link_numbers_continue_those_before() -> None:
    rendered = html.render("<a href=https://a.test>a</a>", 7)
    assert (rendered.text, rendered.links) == ("a[7]\n\n[7] https://a.test\n", ("https://a.test",))


@pytest.mark.parametrize("digits", ["9" * 4301, "x" + "f" * 4301, "0" * 5000 + "65", "9" * 5])
def test_a_character_reference_of_any_length_is_read(digits: str) -> None:
    assert html.render(f"<p>a&#{digits};b").text in ("a\ufffdb\n", "aAb\n", "a\U0001869fb\n")
    assert markup.decoded(f"&#{digits};") in ("\ufffd", "A", "\U0001869f")


@pytest.mark.parametrize(
    "document",
    [
        "<div>" * 50_000,
        "".join(f"<p><font a={n}>x" for n in range(20_000)),
        "<a " + "x " * 100_000 + ">",
        "&" * 400_000,
    ],
    ids=["nested", "formatting", "attributes", "references"],
)
def test_a_document_that_takes_the_parser_too_long_is_read_without_it(document: str) -> None:
    began = time.process_time()
    rendered = html.render(document + "<p>the text <a href=https://a.test>a</a>")
    assert "the text" in rendered.text or "&" in rendered.text
    assert "nested too deeply" in rendered.note
    assert time.process_time() - began < 5, "0.3 s is usual; the parser would take minutes"


TAGS = st.sampled_from(
    [
        "<p>", "</p>", "<a href=x>", "</a>", "<table>", "<td>", "<tr>", "</table>", "<ul>", "<li>",
        "</ul>", "<pre>", "</pre>", "<blockquote>", "</blockquote>", "<b>", "</b>", "<img alt=x>",
        "<br>", "<!--", "-->", "<script>", "</script>", "<svg>", "<select>", "<p hidden>",
        "<ol start=999999>", "<ol start=-1>", "&#", "&#x110000;", "<", ">", "\0", "\ud800", "&#xD800;",
        "<textarea>", "<a href='", '"', "<title>", "</div>", "<template>", "<plaintext>",
    ]
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(TAGS, st.text(max_size=8)), max_size=40).map("".join))
def test_any_tags_and_texts_are_rendered_without_an_error(document: str) -> None:
    well_formed = html.render(document)
    assert "could not" not in well_formed.note or "\ud800" in document or not document.isprintable()
    for link in well_formed.links:
        assert link
    page = Page(1, hides=False)
    page.read(markup.tokens(document))  # as it is read where the parser is not used
    page.text()


def test_isolated_work_returns_its_result() -> None:
    assert isolation.run(lambda: "x" * 5_000_000 + "\ud800") == "x" * 5_000_000 + "\ud800"


def _fail() -> str:
    raise ValueError


def _die() -> str:
    os.kill(os.getpid(), signal.SIGTERM)
    return ""


def _hog() -> str:
    return "x" * (8 << 30)


def _spin() -> str:
    while True:
        pass


@pytest.mark.parametrize("work", [_fail, _die, _hog, _spin])
def test_isolated_work_that_fails_in_any_way_raises_and_harms_nothing(work) -> None:
    with pytest.raises(isolation.Failed):
        isolation.run(work)


def test_html_is_laid_out_in_a_process_with_a_large_address_space() -> None:
    with mmap.mmap(-1, 3 << 30):  # nothing of it is touched
        assert html.render("<p>a<p>b", 1, lays_out=True).note == ""
