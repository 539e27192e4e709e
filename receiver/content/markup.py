"""HTML as a stream of tags and texts. A real parser makes it well formed first.

The parser is `nh3`: html5ever, the Rust HTML parser of the Servo browser engine, behind the filter ammonia.
We chose it because it is memory-safe, parses as browsers do, has a release every month or two, and has wheels
of the stable ABI for every Python from 3.9 on, on x86_64 and aarch64. lxml, selectolax and turbohtml are
written in C. html5lib was last released in 2020. justhtml takes 2 s and gigabytes for hostile documents, and
0.2 s to import. nh3 writes well-formed HTML with only the elements that matter for text. This module reads
that HTML, which is simple because its serialisation (HTML standard, section 13.3) is regular.

html5ever takes quadratic time for some documents: those with thousands of nested elements, of attributes or
of formatting elements that are never closed. One pass estimates the work first. A document with too much work
is read tag by tag, without a tree. The limits of `isolation` end what the estimate misses.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from receiver.content import isolation

_KEPT = {
    "a", "abbr", "address", "area", "article", "aside", "b", "big", "blockquote", "br", "button",
    "caption", "center", "dd", "details", "dir", "div", "dl", "dt", "em", "fieldset", "figcaption",
    "figure", "font", "footer", "form", "g", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i",
    "img", "label", "legend", "li", "listing", "main", "math", "menu", "mi", "mn", "mo", "mrow", "mtext",
    "nav", "ol", "optgroup", "option", "p", "pre", "q", "section", "small", "span", "strong", "summary",
    "svg", "table", "tbody", "td", "text", "textarea", "tfoot", "th", "thead", "tr", "tspan", "u", "ul",
    "xmp",
}  # fmt: skip
_ATTRIBUTES = {"*": {"style", "hidden"}, "a": {"href"}, "area": {"href", "alt"}, "img": {"alt"}}
_ATTRIBUTES["ol"] = {"start"}
_WITH_CONTENT = {"script", "style", "title", "template", "datalist"}  # left out with their content
_RAW = ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "wbr"}
_FORMATTING = {
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
}  # fmt: skip
# The next element of the same kind closes these. They nest only inside other elements, which are counted.
_CLOSED_BY_NEXT = {
    "p", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "tfoot", "option", "optgroup", "colgroup",
}  # fmt: skip
_MOST_WORK = 10_000_000  # steps of html5ever, of about 20 ns each
_FEW, _SHORT = 300, 20_000  # tags and characters below which no estimate is needed

_VALUE = r"""=[\s]*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?"""
_TOKEN = re.compile(
    rf"""<!--(?:-?>|.*?(?:--!?>|\Z))|<(/?)([a-zA-Z][^\s/>]*+)((?:[^>=]++|{_VALUE})*+)(?:>|\Z)"""
    r"""|<[!?/][^>]*+(?:>|\Z)|((?:[^<]++|<(?![a-zA-Z/!?]))++)""",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([^\s=/>"']+)(?:\s*+=\s*+(?:"([^"]*+)"?|'([^']*+)'?|([^\s"'][^\s]*+)))?""")
_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW}
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{1,30}):", re.IGNORECASE)
_NO_LINKS = {"javascript", "vbscript", "data"}
_NOSCRIPT = re.compile(r"(</?)noscript(?=[\s/>])", re.IGNORECASE)
# Python refuses to read a number of more than 4,300 digits.
_ZEROS = re.compile(r"&#([xX]?)0{2,}(?=[0-9a-fA-F])")
_TOO_LARGE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")

_HIDES = re.compile(
    r"(?:^|;)\s*+(?:display\s*+:\s*+none|visibility\s*+:\s*+hidden|opacity\s*+:\s*+0(?:\.0*+)?\s*+(?:!|;|$))",
    re.IGNORECASE,
)
_NO_HEIGHT = re.compile(r"(?:^|;)\s*+(?:max-)?height\s*+:\s*+0(?:px|em|%|pt)?\s*+(?:!|;|$)", re.IGNORECASE)
_CLIPPED = re.compile(r"(?:^|;)\s*+overflow\s*+:\s*+hidden", re.IGNORECASE)
_SHOWS = re.compile(r"(?:^|;)\s*+display\s*+:\s*+(?!none)[a-z]", re.IGNORECASE)

Token = tuple[str, bool, str]
"""A tag: its name, whether it is an end tag, and its raw attributes. A text: an empty name, and the text."""


def well_formed(document: str) -> tuple[str, str]:
    """The document as well-formed HTML, and an empty note. On failure, the document itself and a note why."""
    small = len(document) < _SHORT and document.count("<") < _FEW
    if not small and _work(tokens(document)) > _MOST_WORK:
        return document, "its HTML is nested too deeply to be laid out and is shown in a simple form"
    try:
        return isolation.run(lambda: _normalised(document)), ""
    except (isolation.Failed, OSError) as error:
        return document, f"its HTML could not be laid out ({error}) and is shown in a simple form"


def _normalised(document: str) -> str:
    import nh3  # late, because only HTML needs it

    schemes = {scheme.lower() for scheme in _SCHEME.findall(document)} - _NO_LINKS
    return nh3.clean(
        # We run no scripts, so the content of `noscript` is shown. nh3 parses as a browser with scripts does.
        _NOSCRIPT.sub(r"\1div", document),
        tags=_KEPT,
        clean_content_tags=_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        link_rel=None,
        url_schemes=schemes,
    )


def tokens(document: str) -> Iterator[Token]:
    """The tags and texts of a document in order (HTML standard, section 13.2.5). Takes linear time."""
    at = 0
    while at < len(document):
        for found in _TOKEN.finditer(document, at):
            slash, name, attributes, text = found.groups()
            if text:
                yield "", False, text
            elif name:
                name = name.lower()
                yield name, bool(slash), attributes
                if name in _ENDS and not slash:
                    end = _ENDS[name].search(document, found.end())
                    at = end.start() if end else len(document)
                    if name in ("textarea", "xmp"):
                        yield "", False, document[found.end() : at]
                    break
        else:
            return


def _work(seen: Iterable[Token]) -> int:
    """About how many steps html5ever takes. Counts all its work that can grow with a square."""
    work = formatting = roots = 0
    open_elements: list[str] = []
    for name, is_end, content in seen:
        if "&" in content:
            work += content.count("&") * len(content) // 2000
        if not name:
            continue
        work += 1 + len(open_elements) + 8 * formatting
        if is_end:
            if open_elements and open_elements[-1] == name:
                del open_elements[-1]
            if name in _FORMATTING and formatting:
                formatting -= 1
        elif name not in _VOID and name not in _CLOSED_BY_NEXT:
            open_elements.append(name)
            formatting += name in _FORMATTING
            if name in ("html", "body"):
                roots += 1
                work += 5 * roots
        if len(content) > 1000:
            work += len(content.split()) ** 2 // 20
        if work > _MOST_WORK:
            break
    return work


def attributes(content: str) -> dict[str, str]:
    """The attributes of a tag, decoded, by their names in lower case. The first of equal names counts."""
    found: dict[str, str] = {}
    for each in _ATTRIBUTE.finditer(content):
        if len(found) == 100:
            break
        found.setdefault(each[1].lower(), decoded(each[2] or each[3] or each[4] or ""))
    return found


def decoded(text: str) -> str:
    """The text with its character references replaced."""
    if "&" not in text:
        return text
    if "&#" in text:
        text = _TOO_LARGE.sub("\ufffd", _ZEROS.sub(r"&#\1", text))
    return html.unescape(text)


def is_hidden(content: str) -> bool:
    """Whether a browser does not show the element, because of these attributes of its tag."""
    said = attributes(content)
    style = said.get("style", "")
    if _HIDES.search(style) or (_NO_HEIGHT.search(style) and _CLIPPED.search(style)):
        return True
    return "hidden" in said and said["hidden"].lower() != "until-found" and not _SHOWS.search(style)
