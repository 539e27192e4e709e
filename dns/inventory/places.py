"""Where in `inventory.py` something stands: the line of a host, a domain or a key. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, in one line for the user, and what it is wrong with."""

    text: str
    at: tuple[str, ...] = ()
    """The words that lead to it in the file, such as `("mx1.example.com", "workers")`. It may be empty."""


def line_of_name(source: str, name: str) -> int | None:
    """The line on which the file gives this name its value."""
    return next((node.lineno for node in _statements(source) if _assigns(node, name)), None)


def line_of(source: str, group: str, at: Sequence[str]) -> int | None:
    """The line of the last of these words that the group has, or None if it has not even the first.

    Each word is looked for in what the one before it holds. A key that a host does not have itself may be in
    the group's data. An inventory that computes its hosts has no such words: then the answer is None.
    """
    whole = next((node for node in _statements(source) if _assigns(node, group)), None)
    if whole is None:
        return None
    line: int | None = None
    holder: ast.AST = whole
    for word in at:
        found = next((pair for pair in _named(holder) if pair[0].value == word), None)
        if found is None:
            found = next((pair for pair in _named(whole) if pair[0].value == word), None) if line else None
        if found is None:
            break
        line, holder = found[0].lineno, found[1]
    return line


def _statements(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError):
        return []


def _assigns(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.AnnAssign):
        return isinstance(node.target, ast.Name) and node.target.id == name and node.value is not None
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == name for target in node.targets
    )


def _named(holder: ast.AST) -> Iterator[tuple[ast.Constant, ast.AST]]:
    """Each name in this part of the file, with what belongs to it: the data of a host, the value of a key."""
    for node in ast.walk(holder):
        if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[0], ast.Constant):
            yield node.elts[0], node.elts[1]
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant):
                    yield key, value
        elif isinstance(node, ast.List):
            for element in node.elts:
                if isinstance(element, ast.Constant):
                    yield element, element
