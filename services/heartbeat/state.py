"""The last outcome, for the doctor: `state.json`, written as a whole or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

_LARGEST = 65_536  # octets


@dataclass(frozen=True, slots=True)
class State:
    """How the last run ended. Times are in seconds since 1970; 0 for never.

    `reason` is what was found, in one line. `pinged` is when the switch last took a ping, well or not, and
    `pinged_well` when it last took one that said that all is well. `ping_error` is why it did not take the
    last one. It is empty if it took it, or was to be told nothing.
    """

    at: float = 0.0
    well: bool = False
    reason: str = ""
    pinged: float = 0.0
    pinged_well: float = 0.0
    ping_error: str = ""


def load(path: Path) -> State:
    """The state of the last run. An empty one if there is none that can be read."""
    try:
        with path.open("rb") as file:
            kept = json.loads(file.read(_LARGEST))
    except (OSError, ValueError):
        return State()
    if not isinstance(kept, dict):
        return State()
    known = {each.name: type(each.default) for each in fields(State)}
    found: dict[str, Any] = {name: kept[name] for name in known if type(kept.get(name)) is known[name]}
    return State(**found)


def save(path: Path, state: State) -> None:
    """Write the state, so that everybody on the host can read it. Raises OSError."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        new.write_text(json.dumps(asdict(state), indent=1) + "\n")
        new.chmod(0o644)
        new.rename(path)
    finally:
        new.unlink(missing_ok=True)
