"""Whether two readings of a mail show the same: subject, from, visible text, names of attachments.

White space, case, quoting marks, bullets, rules and the form of a link are layout and do not count. The words
must be the same, in the same order.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from receiver import headers
from receiver.content import content

_URL = re.compile(r"(?:https?|ftp|mailto|cid|file|tel):[^\s\]>)]*", re.IGNORECASE)
_REFERENCES = re.compile(r"\n\[\d+\] \S[^\n]*(?=\n)")
_NUMBER = re.compile(r"(?<=[^\s\[])\[\d+\](?!\])")
_WORD = re.compile(r"\w+")
# The header fields of a message inside, as ours and as mailparser writes them.
_OUR_HEAD = re.compile(r"^-------- Message inside --------\n(?:[A-Z][a-z]+: .*\n)*", re.MULTILINE)
_THEIR_HEAD = re.compile(r"^(?:(?:From|To|Cc|Bcc|Date|Subject): .*\n)+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reading:
    """The parts of a mail that one program shows."""

    subject: str
    sender: str
    text: str
    attachments: tuple[str, ...]

    @classmethod
    def from_reference(cls, said: dict[str, Any]) -> Reading:
        return cls(said["subject"], said["from"], said["text"], tuple(said["attachments"]))

    def without_heads(self) -> Reading:
        """Without what may be the header fields of messages inside, which the others write into the text."""
        return replace(self, text=_THEIR_HEAD.sub("", f"{self.text}\n"))


def ours(octets: bytes) -> Reading:
    """The reading of `letterbox show`."""
    holds = content.read(octets)
    blank = re.search(rb"\n\r?\n", octets)
    fields = headers.parse_fields(octets[: blank.start() + 1] if blank else octets)
    names = tuple(each.name for each in holds.attachments)
    return Reading(fields.text("subject"), fields.text("from"), _OUR_HEAD.sub("", holds.text), names)


def differences(references: Sequence[Reading], got: Reading) -> tuple[list[str], bool]:
    """What ours shows as none of the others does, each as `field: expected ..., got ...`; or nothing.

    The others differ among themselves: where one shows a text that another leaves out (a delivery report, a
    message inside), ours may show all of these texts, and must show what each of them shows alike. And
    whether all that differs is a text that ours has on top of theirs.
    """
    found, is_more = [], True
    for name, words in (("subject", _subject), ("from", _sender), ("attachments", _names), ("text", _text)):
        shown, wanted = words(got), [words(each) for each in references]
        alike = shown in wanted
        if name == "text":
            bare = [words(each.without_heads()) for each in references]
            alike = alike or _is_all_of(shown, wanted) or _is_all_of(shown, bare)
            alike = alike or words(got.without_heads()) in bare
            is_more = is_more and any(not Counter(each) - Counter(shown) for each in bare)
        elif not alike:
            is_more = False
        if not alike:
            said = " or ".join(dict.fromkeys(_where(each, shown) for each in wanted))
            found.append(f"{name}: {said}")
    return found, bool(found) and is_more


def _subject(reading: Reading) -> list[str]:
    return _words(reading.subject)


def _sender(reading: Reading) -> list[str]:
    return sorted(_words(reading.sender))


def _text(reading: Reading) -> list[str]:
    text = _NUMBER.sub("", _REFERENCES.sub("", f"{reading.text}\n"))
    return _words(_URL.sub(" ", text.replace("[picture]", "")))


def _names(reading: Reading) -> list[str]:
    return sorted(Path(name.replace("\\", "/")).name.strip() for name in reading.attachments if name)


def _is_all_of(shown: list[str], wanted: Sequence[list[str]]) -> bool:
    """Whether these words are all that any of the others shows, and no more."""
    counts = Counter(shown)
    least = Counter[str]()
    for each in wanted:
        least |= Counter(each)
    most = sum((Counter(each) for each in wanted), Counter[str]())
    return least <= counts <= most


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _where(expected: list[str], got: list[str]) -> str:
    matcher = difflib.SequenceMatcher(a=expected, b=got, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            return f"expected {' '.join(expected[a:b])[:120]!r}, got {' '.join(got[c:d])[:120]!r}"
    return ""
