"""The combined fact: one ssh execution asks a host everything that the steps want to know.

Stock facts cost one ssh execution each, and pyinfra does not keep their answers: twelve operations with
nothing to do would be twenty round trips.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from provision.host import probe
from provision.host.answer import parse_sections
from provision.host.observed import Observed


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The host printed something that is not the answer of the probe."""

    reason: str

    def to_json(self) -> object:
        """What `pyinfra … fact` prints."""
        return {"unreadable": self.reason}


class HostObservation(FactBase["Observed | Unreadable"]):
    """`pyinfra inventory.py fact provision.host.fact.HostObservation` prints it."""

    @staticmethod
    def command(named_zones: tuple[str, ...] = ()) -> str:
        return probe.command(named_zones)

    def process(self, output: list[str]) -> Observed | Unreadable:
        try:
            return parse_sections(probe.sections(output))
        except ValueError as error:
            return Unreadable(str(error))
