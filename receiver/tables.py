"""Typed values out of tables of parsed TOML, and all that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

type_names = {
    str: "a string",
    int: "a whole number",
    bool: "true or false",
    dict: "a table",
    list: "a list of strings",
}


class Reader:
    """Each problem is remembered as `key: reason`, where a key below another is written with a dot."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def complain(self, key: str, reason: str) -> None:
        self.problems.append(f"{key}: {reason}")

    def table(self, value: Any, key: str, known: set[str] | None = None) -> dict[str, Any]:
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
        if name not in table:
            if required:
                self.complain(join(key, name), "missing")
            return None
        value = table[name]
        if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
            self.complain(join(key, name), f"must be {type_names[kind]}, not {value!r}")
            return None
        return value

    def strings(self, table: Mapping[str, Any], key: str, name: str) -> tuple[str, ...]:
        values = self.value(table, key, name, list)
        if values is not None and not all(isinstance(value, str) for value in values):
            self.complain(join(key, name), "must be a list of strings")
            return ()
        return tuple(values or ())


def join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
