"""What the host's configuration, and systemd, say of its hooks: read as root, before root is given up."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from receiver import hook_queue
from receiver.hooks.status import Configured

FOLDER = Path("/etc/letterbox/hooks")


def unit(name: str) -> str:
    """The unit of the hook of this name."""
    return f"letterbox-hook-{name}.service"


def configured(table: Mapping[str, object], folder: Path = FOLDER) -> dict[str, Configured]:
    """The hooks of a parsed letterbox.toml, by name. `folder` has the file of each."""
    tables = table.get("hooks")
    if not isinstance(tables, dict):
        return {}
    names = [name for name in tables if hook_queue.is_hook_name(name) and isinstance(tables[name], dict)]
    states = _states(names)
    return {
        name: Configured(
            _strings(tables[name].get("mailboxes")),
            _strings(tables[name].get("domains")),
            _target(folder / f"{name}.toml"),
            states.get(name, ""),
        )
        for name in names
    }


def _strings(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _target(path: Path) -> str:
    """Where the hook leads, without the path and the query of a URL, which may hold a secret."""
    try:
        own = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ""
    if command := own.get("command"):
        return str(command[0]) if isinstance(command, list) else ""
    try:
        parts = urlsplit(str(own.get("url", "")))
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else ""


def _states(names: list[str]) -> dict[str, str]:
    """The state of each hook's unit, as `systemctl is-active` says it. Empty if systemd does not answer."""
    if not names:
        return {}
    try:
        done = subprocess.run(
            ["systemctl", "is-active", "--", *map(unit, names)], capture_output=True, text=True, check=False
        )
    except OSError:
        return {}
    said = done.stdout.split()
    return dict(zip(names, said, strict=True)) if len(said) == len(names) else {}
