"""Reading typed values from tables of parsed TOML, and collecting every problem."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

_TYPE_NAMES = {
    str: "a string",
    int: "a whole number",
    bool: "true or false",
    dict: "a table",
    list: "a list of strings",
}


class Reader:
    """Reads values, and collects each problem as `key: reason`. A key inside a table is written with a dot.

    The methods return None, or an empty value, for what is missing or wrong.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []

    def complain(self, key: str, reason: str) -> None:
        self.problems.append(f"{key}: {reason}")

    def table(self, value: Any, key: str, known: set[str] | None = None) -> dict[str, Any]:
        """`value` as a table. If `known` is given, any other key in the table is a problem."""
        if not isinstance(value, dict):
            self.complain(key, f"must be a table, not {value!r}")
            return {}
        for name in sorted(value.keys() - known) if known is not None else ():
            near = get_close_matches(name, known or (), 1)
            self.complain(join(key, name), f"unknown key{f'; did you mean {near[0]}?' if near else ''}")
        return value

    def value(
        self, table: Mapping[str, Any], key: str, name: str, kind: type, *, required: bool = False
    ) -> Any | None:
        """The value of `name` in a table, if it is of the type `kind`. `key` is the key of the table."""
        if name not in table:
            if required:
                self.complain(join(key, name), "missing")
            return None
        value = table[name]
        if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
            self.complain(join(key, name), f"must be {_TYPE_NAMES[kind]}, not {value!r}")
            return None
        return value

    def path(self, table: Mapping[str, Any], key: str, name: str, *, required: bool = False) -> Path | None:
        """The value of `name` as an absolute path."""
        value = self.value(table, key, name, str, required=required)
        if value is not None and not Path(value).is_absolute():
            self.complain(join(key, name), "must be an absolute path")
        return None if value is None else Path(value)

    def strings(self, table: Mapping[str, Any], key: str, name: str) -> tuple[str, ...]:
        """The value of `name` as a list of strings."""
        values = self.value(table, key, name, list)
        if values is not None and not all(isinstance(value, str) for value in values):
            self.complain(join(key, name), "must be a list of strings")
            return ()
        return tuple(values or ())


def join(key: str, name: str) -> str:
    """The key of `name` in the table `key`."""
    return f"{key}.{name}" if key else name
