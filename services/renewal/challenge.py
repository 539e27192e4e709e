"""DNS-01 challenges (RFC 8555, 8.4): TXT records below `_acme-challenge`, published, seen, and removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from services.renewal.cloudflare import Zone
from services.renewal.errors import RenewalError, Report
from services.renewal.nameservers import View


@dataclass(frozen=True, slots=True)
class Publisher:
    """Where challenges are published, and how it is seen that they are."""

    zone: Zone
    view: View
    report: Report

    def places(self, names: tuple[str, ...]) -> dict[str, str]:
        """Where the challenge of each name is published: at `_acme-challenge.NAME`, or where that leads.

        Raises RenewalError if it leads out of the zone.
        """
        found: dict[str, str] = {}
        for name in names:
            asked = f"_acme-challenge.{name}"
            place = self.view.leads_to(asked)
            if place != self.zone.name and not place.endswith(f".{self.zone.name}"):
                where = f"leads to {place}, which" if place != asked else "is a name that"
                raise RenewalError(
                    f"{asked} {where} is not in the zone {self.zone.name}: name the zone that holds it "
                    "(certificate_proof in the inventory), or correct the alias"
                )
            found[name] = place
        return found

    def clean(self, places: Mapping[str, str]) -> None:
        """Remove the challenges that earlier runs of ours have left. Raises RenewalError."""
        for place in set(places.values()):
            for identifier, (_, ours) in self.zone.texts(place).items():
                if ours:
                    self.zone.delete(identifier)
                    self.report(f"removed an older challenge at {place}")

    @contextmanager
    def published(self, values: Mapping[str, str], places: Mapping[str, str]) -> Iterator[None]:
        """Publish a value for each name, until the block ends. It begins when every nameserver has them.

        A record that cannot be removed is left: the next order removes it first.
        """
        made: list[str] = []
        try:
            wanted: dict[str, list[str]] = {}
            for name, value in values.items():
                made.append(self.zone.make(places[name], value))
                wanted.setdefault(places[name], []).append(value)
                self.report(f"published a challenge at {places[name]}")
            for place, texts in wanted.items():
                self.view.wait_for(self.zone.name, place, texts, self.report)
            yield
        finally:
            for identifier in made:
                try:
                    self.zone.delete(identifier)
                except RenewalError as error:
                    self.report(f"a challenge was left in the zone: {error}")
