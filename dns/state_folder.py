"""Where this machine keeps what a run leaves for a later one."""

from __future__ import annotations

import os
from pathlib import Path


def state_folder(*names: str) -> Path:
    """`$XDG_STATE_HOME/letterbox`, by default `~/.local/state/letterbox`, and the names below it.

    A relative path in XDG_STATE_HOME is ignored (XDG Base Directory Specification). Raises RuntimeError if
    the folder would be in the user's home and the user has none.
    """
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    base = state if state.is_absolute() else Path.home() / ".local" / "state"
    return base.joinpath("letterbox", *names)
