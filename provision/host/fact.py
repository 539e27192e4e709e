"""The combined fact: everything that any operation of ours asks of a host, in one ssh execution."""

from __future__ import annotations

from pyinfra.api.facts import FactBase

from provision.host import probe
from provision.host.observed import Observed, parse


class Unreadable(str):
    """Why what the host printed is no answer of the probe."""


class HostObservation(FactBase["Observed | Unreadable"]):
    """`pyinfra inventory.py fact provision.host.fact.HostObservation` shows it."""

    @staticmethod
    def command(named_zones: tuple[str, ...] = ()) -> str:
        return probe.command(named_zones)

    def process(self, output: list[str]) -> Observed | Unreadable:
        try:
            return parse(probe.sections(output))
        except ValueError as error:
            return Unreadable(error)
