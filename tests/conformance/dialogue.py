r"""SMTP dialogues as text that a person can read and write (`dialogues/*.smtp`): text in, steps out. Pure.

A file holds dialogues. Each begins with `== title`, then says where it comes from, then goes step by step:

    == A dot alone between bare LFs does not end a message
    from: RFC 5321 4.1.1.4; CVE-2023-51764
    use: data
    R: Subject: x\r\n\r\nbody\n.\nQUIT\r\n
    C: .
    S: 2..|5..

`C:` sends a line of the client, with CRLF. `R:` sends octets as they are. Adjacent ones are sent in one
piece. `S:` expects a reply that begins with this regular expression, its lines joined by newlines. `repeat:
5000 x\r\n` sends octets many times. `wait: 0.2` waits, in seconds. `pieces: 1` sends what follows in pieces
of this size. `silence: 0.3` expects nothing for that time. `starttls:` does the handshake. `closed:` expects
the server to hang up. `stored: octets` expects the message in the mailbox, if the mail folder is known.
`half-close:` closes our half of the connection.

`from:` names the RFC section or incident (required). `needs: STARTTLS` skips the dialogue if EHLO does not
offer the extension. `use: name` inserts the steps of `:: name`. `each: end = \n.\n | \r.\r` makes one
dialogue for each value, which replaces `{end}`. Two `each:` make all combinations, except those for which
`unless: A contains B` holds. Escapes: `\r \n \t \0 \\ \xHH`. `{to} {other} {unknown} {foreign} {domain}` are
the addresses of the server.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

FOLDER = Path(__file__).parent / "dialogues"
_HEADER = ("from", "needs", "each", "unless")
WORDS = {
    "C", "R", "S", "repeat", "wait", "pieces", "silence", "starttls", "closed", "stored", "half-close", "use",
    *_HEADER,
}  # fmt: skip
_STEP = re.compile(r"([A-Za-z-]+):(?: (.*))?")
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))")
_PLAIN = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


class DialogueError(Exception):
    """A mistake in a dialogue. `str(e)` has the file, the line and the mistake."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step. `word` is one of WORDS. `text` follows it, with its escapes and variables not yet replaced."""

    word: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One conversation with what is expected of it. `source` is its file's name without the ending."""

    title: str
    source: str
    origin: str
    needs: tuple[str, ...]
    steps: tuple[Step, ...]
    values: Mapping[str, str]


def load(folder: Path = FOLDER) -> list[Dialogue]:
    """All dialogues of a folder, in order of file and line. Raises DialogueError."""
    shared: dict[str, tuple[Step, ...]] = {}
    files = sorted(folder.glob("*.smtp"))
    for path in files:
        shared |= {title: steps for kind, title, steps in _sections(path) if kind == "::"}
    found = [
        each
        for path in files
        for kind, title, steps in _sections(path)
        if kind == "=="
        for each in _dialogues(path, title, steps, shared)
    ]
    titles = [each.title for each in found]
    if twice := {title for title in titles if titles.count(title) > 1}:
        raise DialogueError(f"{folder}: title used twice: {', '.join(sorted(twice))}")
    return found


def octets(text: str) -> bytes:
    """Text with its escapes replaced, as it goes over the wire."""
    return _ESCAPE.sub(_unescape, text.encode())


def filled(text: str, values: Mapping[str, str]) -> str:
    """Text with `{name}` replaced where the name is known; other braces stay."""
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), text)


def _unescape(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode()) if match[1] else _PLAIN[match[2]]


def _sections(path: Path) -> Iterator[tuple[str, str, tuple[Step, ...]]]:
    """(`==` or `::`, title, steps) for each section of a file."""
    kind, title, steps = "", "", list[Step]()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line[:3] in ("== ", ":: "):
            if kind:
                yield kind, title, tuple(steps)
            kind, title, steps = line[:2], line[3:].strip(), []
        elif line.strip() and not line.startswith("#"):
            steps.append(_step(path, number, line))
    if kind:
        yield kind, title, tuple(steps)


def _step(path: Path, number: int, line: str) -> Step:
    match = _STEP.fullmatch(line)
    if not match or match[1] not in WORDS:
        raise DialogueError(f"{path}:{number}: not a step: {line!r}")
    text = match[2] or ""
    if match[1] in ("C", "R", "stored", "repeat") and any(
        not found[1] and found[2] not in _PLAIN for found in _ESCAPE.finditer(text.encode())
    ):
        raise DialogueError(f"{path}:{number}: unknown escape in {text!r}")
    if match[1] == "S":
        try:
            re.compile(text)
        except re.error as error:
            raise DialogueError(f"{path}:{number}: {error}: {text!r}") from None
    return Step(match[1], text, number)


def _dialogues(
    path: Path, title: str, steps: tuple[Step, ...], shared: Mapping[str, tuple[Step, ...]]
) -> Iterator[Dialogue]:
    header = {word: [step.text for step in steps if step.word == word] for word in _HEADER}
    if not header["from"]:
        raise DialogueError(f"{path}: {title!r} does not say where it is from")
    played = tuple(_expanded(path, [step for step in steps if step.word not in _HEADER], shared))
    loops = [_loop(path, text) for text in header["each"]]
    for chosen in itertools.product(*([(name, value) for value in many] for name, many in loops)):
        values = dict(chosen)
        if any(_holds(path, condition, values) for condition in header["unless"]):
            continue
        name = filled(title, values)
        for key, value in chosen:
            if f"{{{key}}}" not in title:
                name += f" [{value}]"
        needs = tuple(" ".join(header["needs"]).upper().split())
        yield Dialogue(name, path.stem, filled(header["from"][0], values), needs, played, values)


def _expanded(path: Path, steps: list[Step], shared: Mapping[str, tuple[Step, ...]]) -> Iterator[Step]:
    for step in steps:
        if step.word != "use":
            yield step
        elif step.text not in shared:
            raise DialogueError(f"{path}:{step.line}: no section :: {step.text}")
        else:
            for each in _expanded(path, list(shared[step.text]), shared):
                yield replace(each, line=step.line)


def _loop(path: Path, text: str) -> tuple[str, list[str]]:
    name, equals, values = text.partition(" = ")
    if not equals:
        raise DialogueError(f"{path}: each: name = value | value, not {text!r}")
    return name.strip(), [value.strip() for value in values.split(" | ")]


def _holds(path: Path, condition: str, values: Mapping[str, str]) -> bool:
    whole, word, part = condition.partition(" contains ")
    if not word:
        raise DialogueError(f"{path}: unless: A contains B, not {condition!r}")
    return octets(part) in octets(filled(whole, values))
