"""The official SPF suite, from the source distribution of pyspf, fetched once and checked by its hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.receiver.checks.source_distribution import SourceDistribution
from tests.receiver.checks.zone import Entry, Zone

_PYSPF = SourceDistribution(
    "pyspf", "2.0.14", "57a7ef01bda090173aafb6af0106251686ed73f03db4e911fcd34c57fc347186"
)


@dataclass(frozen=True, slots=True)
class Case:
    """One test of the suite. `results` are the right ones; `explanation` is None if the suite has none."""

    name: str
    zone: Zone
    ip: str
    helo: str
    sender: str
    receiver: str
    results: Sequence[str]
    explanation: str | None


def cases() -> Iterator[Case]:
    """Raises NotFetched."""
    scenarios = yaml.safe_load_all(_PYSPF.read("test/rfc7208-tests.yml"))
    for scenario in scenarios:
        for name, test in scenario["tests"].items():
            results = test["result"]
            explanation = test.get("explanation")
            yield Case(
                f"{scenario['description']}: {name}",
                _zone(scenario["zonedata"]),
                test["host"],
                test["helo"],
                test["mailfrom"] or "",
                test.get("receiver") or "unknown",
                results if isinstance(results, list) else [results],
                "" if explanation == "DEFAULT" else explanation,
            )


def extract(name: str, folder: Path) -> Path:
    """A file of pyspf, written into a folder. Raises NotFetched."""
    path = folder / name
    path.write_bytes(_PYSPF.read(name))
    return path


def _zone(data: Mapping[str, Sequence[Any]]) -> Zone:
    """The records of a scenario. It has records of type SPF, which stand for TXT where a name has no TXT."""
    table: dict[str, list[Entry]] = {}
    for name, entries in data.items():
        records = [(kind, value) for entry in entries if entry != "TIMEOUT" for kind, value in entry.items()]
        has_texts = any(kind == "TXT" for kind, _ in records)
        table[str(name)] = ["TIMEOUT"] if "TIMEOUT" in entries else []
        for kind, value in records:
            if value != "NONE" and not (kind == "SPF" and has_texts):
                table[str(name)].append(("TXT" if kind == "SPF" else kind, _value(kind, value)))
    return Zone(table)


def _value(kind: str, value: Any) -> str | list[bytes]:
    if value == "TIMEOUT":
        return "TIMEOUT"
    if kind in ("SPF", "TXT"):
        return [part.encode("latin-1") for part in ([value] if isinstance(value, str) else value)]
    return " ".join(map(str, value)) if isinstance(value, list) else value
