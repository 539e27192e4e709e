"""The links of the path that a message takes, and checking them in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from receiver.cli import terminal
from receiver.cli.terminal import BOLD, GREEN, RED, Screen


@dataclass(frozen=True, slots=True)
class Link:
    """One link: its name and the evidence, and for a broken link its fix.

    `fix` is the command that repairs the link, or says what to do. It is empty if the link holds.
    """

    name: str
    evidence: str
    fix: str = ""

    @property
    def holds(self) -> bool:
        return not self.fix

    def to_json(self) -> dict[str, object]:
        """The link as a line of `doctor --json`: `link`, `holds`, `evidence`, `fix`.

        `mend` is the same as `fix`. It is the key's name up to 0.1, and stays for one release.
        """
        fix = self.fix or None
        return {
            "link": self.name,
            "holds": self.holds,
            "evidence": self.evidence,
            "fix": fix,
            "mend": fix,
        }


def from_json(value: Mapping[str, object]) -> Link:
    """The link of a line of `doctor --json`, also of a host that runs 0.1 and has no `fix`."""
    return Link(str(value["link"]), str(value["evidence"]), str(value.get("fix", value.get("mend")) or ""))


def checked(checks: Iterable[Callable[[], Link]]) -> Iterator[Link]:
    """Run the checks in order, up to and with the first broken link. Those after it could not be judged."""
    for check in checks:
        link = check()
        yield link
        if not link.holds:
            return


def print_link(link: Link, screen: Screen) -> None:
    """Print a line for the link, and for a broken link another one with its fix."""
    mark = screen.styled("✓", GREEN) if link.holds else screen.styled("✗", RED, BOLD)
    name = screen.styled(f"{link.name:<14}", *([] if link.holds else [BOLD]))
    screen.hanging(f"{mark} {name} ", 17, terminal.plain(link.evidence))
    if not link.holds:
        screen.hanging("  ", 2, f"→ {terminal.plain(link.fix)}", BOLD)
