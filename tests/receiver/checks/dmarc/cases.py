"""The table of cases in cases.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Zone = Mapping[str, Sequence[Any]]
EXAMPLE: Zone = {"_dmarc.example.com": ["TXT v=DMARC1; p=reject"]}


@dataclass(frozen=True)
class Case:
    """One case. See the comment in cases.toml for the texts."""

    title: str
    section: str
    author: str
    result: str
    zone: Zone
    dkim: Sequence[str] = ()
    spf: str = ""
    policy: str = ""
    at: str = ""  # where the policy is published
    by: str = ""
    asked: Sequence[str] | None = None


def _case(table: dict[str, Any]) -> Case:
    zone = {
        name: [tuple(entry) if isinstance(entry, list) else entry for entry in entries]
        for name, entries in table.pop("zone", {}).items()
    }
    return Case(zone=zone, **table)


CASES = tuple(map(_case, tomllib.loads(Path(__file__).with_name("cases.toml").read_text())["case"]))
