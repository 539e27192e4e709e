"""The combined fact: one ssh execution asks a host everything that the steps want to know.

Stock facts cost one ssh execution each, and pyinfra does not keep their answers: twelve operations with
nothing to do would be twenty round trips.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pyinfra.api.facts import FactBase

from provision.host import probe
from provision.host.answer import parse_sections
from provision.host.observed import Observed


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The host printed something that is not the answer of the probe."""

    reason: str
    """One line: what is in the way, and the fix."""

    def to_json(self) -> object:
        """What `pyinfra … fact` prints."""
        return {"unreadable": self.reason}


class HostObservation(FactBase["Observed | Unreadable"]):
    """`pyinfra inventory.py fact provision.host.fact.HostObservation` prints it."""

    @staticmethod
    def command(named_zones: tuple[str, ...] = ()) -> str:
        return probe.command(named_zones)

    def process(self, output: list[str]) -> Observed | Unreadable:
        sections = probe.sections(output)
        if "sudo" in sections:
            return Unreadable(_no_sudo(sections))
        if "uid" not in sections:
            return Unreadable(_no_answer(output))
        try:
            return replace(parse_sections(sections), read_at=time.time())
        except ValueError as error:
            return Unreadable(
                f"the answer of the host cannot be read ({error}): see what "
                "`pyinfra -vvv inventory.py fact provision.host.fact.HostObservation` prints"
            )


def _no_sudo(sections: Mapping[str, list[str]]) -> str:
    said = next((line for line in sections["sudo"] if line.strip()), "sudo gave no reason")
    return (
        f"the user who connects may not become root without typing ({said.strip()}): as root, put the line "
        "`USER ALL=(ALL) NOPASSWD: ALL` with this user's name into /etc/sudoers.d/letterbox"
    )


def _no_answer(output: list[str]) -> str:
    """Why there is no mark in what was printed: something else took the place of the command."""
    said = next((line.strip() for line in output if line.strip()), "")
    if not said:
        return "the login shell ran nothing and said nothing: see that `ssh HOST echo yes` prints yes"
    return (
        f"in place of an answer the host printed {said[:80]!r}: see that `ssh HOST echo yes` prints yes, and "
        "put `[ -t 0 ] || return` on the first line of what greets (~/.bashrc), or `chsh` to a shell"
    )
