"""The units of the heartbeat, as the inventory wants them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provision.host import heartbeat, layout

_FILES = Path(__file__).resolve().parents[2] / "files"
_UNIT = "[Unit]\n"
_ON_FAILURE = f"OnFailure={layout.HEARTBEAT_FAILED.replace('@', '@%N')}\n"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a host with a heartbeat should have."""

    units: Mapping[str, str]
    """The texts of its units, by their names."""
    program: str
    """The digest of the release."""
    box: str
    """The Maildir for test messages."""
    secret: str | None = field(default=None, repr=False)
    """The address of the switch. None if the host keeps its own."""


def box_of(domain: str) -> str:
    """The Maildir for the test messages of a host whose first domain is this."""
    return f"{layout.MAIL}/{domain}/.heartbeat"


def unit_texts(box: str) -> Mapping[str, str]:
    """The texts of its units, by their names."""
    return {name: (_FILES / name).read_text().replace("@BOX@", box) for name in heartbeat.UNITS}


def telling_failures(unit: str) -> str:
    """The text of a unit whose failure is told to the switch at once.

    With `Restart=always`, systemd 254 and later start what OnFailure= names at each failure. Earlier ones do
    so only when they give up, which our services never do. There the timer tells, up to five minutes later.
    """
    before, found, after = unit.partition(_UNIT)
    assert found, "every unit of ours has this section"
    return f"{before}{found}{_ON_FAILURE}{after}"
