"""The links of the path that a message takes, and checking them in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from receiver.cli import terminal
from receiver.cli.terminal import BOLD, GREEN, RED, YELLOW, Screen


@dataclass(frozen=True, slots=True)
class Link:
    """One link: its name and the evidence, and for a broken link its fix.

    `fix` is the command that repairs the link, or says what to do. It is empty if the link is not broken.
    `look` says how to find out whether the link holds. It is empty if that is known.
    """

    name: str
    evidence: str
    fix: str = ""
    look: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the link holds. None if that cannot be told."""
        return None if self.is_unknown else not self.fix

    @property
    def is_broken(self) -> bool:
        return bool(self.fix)

    @property
    def is_unknown(self) -> bool:
        return bool(self.look) and not self.fix

    def to_json(self) -> dict[str, object]:
        """The link as a line of `doctor --json`: `link`, `holds`, `evidence`, `fix`, `look`.

        `holds` is true, false, or null if it cannot be told. `fix` is null unless `holds` is false, and
        `look` is null unless `holds` is null.
        """
        return {
            "link": self.name,
            "holds": self.holds,
            "evidence": self.evidence,
            "fix": self.fix or None,
            "look": self.look if self.is_unknown else None,
        }


def from_json(value: Mapping[str, object]) -> Link:
    """The link of a line of `doctor --json`.

    A host that runs 0.1 prints `mend` in place of `fix`, no `look`, and no `holds` that is null.
    """
    return Link(
        str(value["link"]),
        str(value["evidence"]),
        str(value.get("fix", value.get("mend")) or ""),
        str(value.get("look") or ""),
    )


def checked(checks: Iterable[Callable[[], Link]]) -> Iterator[Link]:
    """Run the checks in order, up to and with the first broken link. Those after it could not be judged."""
    return up_to_broken(check() for check in checks)


def up_to_broken(links: Iterable[Link]) -> Iterator[Link]:
    """The links up to and with the first broken one. No link after it is asked for."""
    for link in links:
        yield link
        if link.is_broken:
            return


def summary(links: Iterable[Link]) -> str:
    """The last line for people: that nothing is broken, if that was seen. Empty if a link is broken."""
    found = list(links)
    if not found or any(link.is_broken for link in found):
        return ""
    unknown = sum(link.is_unknown for link in found)
    if not unknown:
        return "Nothing is broken."
    count = "1 link" if unknown == 1 else f"{unknown} links"
    return f"Nothing is broken as far as could be seen: {count} could not be told (?)."


def print_link(link: Link, screen: Screen) -> None:
    """Print a line for the link, and if it does not hold, another one with its fix or where to look."""
    mark = screen.styled("✓", GREEN)
    if link.is_broken:
        mark = screen.styled("✗", RED, BOLD)
    elif link.is_unknown:
        mark = screen.styled("?", YELLOW, BOLD)
    name = screen.styled(f"{link.name:<14}", *([] if link.holds else [BOLD]))
    screen.hanging(f"{mark} {name} ", 17, terminal.plain(link.evidence))
    if link.is_broken:
        screen.hanging("  ", 2, f"→ {terminal.plain(link.fix)}", BOLD)
    elif link.is_unknown:
        screen.hanging("  ", 2, f"→ {terminal.plain(link.look)}")


def print_summary(links: Iterable[Link], screen: Screen) -> None:
    """Print the line of `summary`, green only if every link was seen to hold."""
    found = list(links)
    if text := summary(found):
        colour = YELLOW if any(link.is_unknown for link in found) else GREEN
        screen.line(screen.styled(text, colour, BOLD))
