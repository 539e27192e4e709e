"""A link of the path that a message takes, and walking it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from receiver.cli import terminal
from receiver.cli.terminal import BOLD, GREEN, RED, Screen


@dataclass(frozen=True, slots=True)
class Link:
    """One link: the evidence, and where it does not hold the command or record that mends it."""

    name: str
    evidence: str
    mend: str = ""

    @property
    def holds(self) -> bool:
        return not self.mend

    def to_json(self) -> dict[str, object]:
        """`{"link", "holds", "evidence", "mend"}`: a line of `doctor --json`."""
        return {"link": self.name, "holds": self.holds, "evidence": self.evidence, "mend": self.mend or None}


def from_json(value: Mapping[str, object]) -> Link:
    return Link(str(value["link"]), str(value["evidence"]), str(value["mend"] or ""))


def walked(links: Iterable[Callable[[], Link]]) -> Iterator[Link]:
    """The links in order, up to and with the first broken one: what lies behind it cannot be judged."""
    for look in links:
        link = look()
        yield link
        if not link.holds:
            return


def show(link: Link, screen: Screen) -> None:
    """A line for a link that holds; for a broken one also the mend."""
    mark = screen.styled("✓", GREEN) if link.holds else screen.styled("✗", RED, BOLD)
    name = screen.styled(f"{link.name:<14}", *([] if link.holds else [BOLD]))
    screen.line(f"{mark} {name} {terminal.plain(link.evidence)}")
    if not link.holds:
        screen.line(f"  {screen.styled(f'{chr(0x2192)} {terminal.plain(link.mend)}', BOLD)}")
