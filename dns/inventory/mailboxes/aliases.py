"""The aliases of served domains: reading them, and following where they lead. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from dns.names import a_label, local_part

Aliases = Mapping[str, tuple[str, ...]]
"""For each alias its targets: local names of the same domain, or full addresses at another served domain."""


def from_data(value: object, mailboxes: Collection[str], problems: list[str]) -> dict[str, tuple[str, ...]]:
    """Read a domain's `aliases`. Each problem is added to `problems`."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        problems.append(f'aliases must be a dict such as {{"postmaster": ["alice"]}}, not {value!r}')
        return {}
    aliases: dict[str, tuple[str, ...]] = {}
    for key, given in value.items():
        targets = [given] if isinstance(given, str) else given
        if not isinstance(targets, list | tuple) or not targets:
            problems.append(f'alias {key} must lead to a list such as ["alice"], not {given!r}')
            continue
        try:
            alias = local_part(key) if isinstance(key, str) else ""
            if not alias:
                raise ValueError("is not a name: write it as a string")
        except ValueError as error:
            problems.append(f"alias {key!r} {error}")
            continue
        if alias in mailboxes:
            problems.append(f"alias {key} is a mailbox too: make it one or the other")
        if alias in aliases:
            problems.append(f"alias {key!r} is named twice (case does not matter): name it once")
        aliases[alias] = tuple(_targets(alias, targets, problems))
    return aliases


def _targets(alias: str, targets: Sequence[object], problems: list[str]) -> list[str]:
    found: list[str] = []
    for target in targets:
        try:
            if not isinstance(target, str):
                raise ValueError("is not a name: write it as a string")
            local, at, domain = target.rpartition("@")
            found.append(f"{local_part(local)}@{a_label(domain)}" if at else local_part(target))
        except ValueError as error:
            problems.append(f"alias {alias}: target {target!r} {error}")
    return found


def problems(domains: Mapping[str, tuple[Collection[str], Aliases]]) -> list[tuple[str, str]]:
    """Find targets that nobody holds, and aliases that lead back to themselves.

    `domains` gives the mailboxes and the aliases of every served domain, by its A-label name. Each problem
    comes with the name of its domain.
    """
    edges: dict[str, tuple[str, ...]] = {}
    held: set[str] = set()
    for name, (mailboxes, aliases) in domains.items():
        held.update(f"{mailbox}@{name}" for mailbox in mailboxes)
        if mailboxes:
            held.add(f"postmaster@{name}")
        for alias, targets in aliases.items():
            edges[f"{alias}@{name}"] = tuple(t if "@" in t else f"{t}@{name}" for t in targets)
    found: list[tuple[str, str]] = []
    for source, targets in edges.items():
        alias, _, name = source.rpartition("@")
        where = f"domain {name}: alias {alias}"
        found += [
            (name, f"{where}: its target {target} is neither a mailbox nor an alias of a served domain")
            for target in targets
            if target not in held and target not in edges
        ]
        # Report each ring once, at the name that is first in alphabetical order.
        ring = _ring(source, edges)
        if ring and source == min(ring):
            found.append((name, f"{where}: leads back to itself ({' -> '.join([*ring, source])})"))
    return found


def _ring(source: str, edges: Aliases) -> tuple[str, ...]:
    """The shortest path from the address back to itself, without the last step, or nothing."""
    paths: list[tuple[str, ...]] = [(source,)]
    visited: set[str] = set()
    while paths:
        path = paths.pop(0)
        for target in edges.get(path[-1], ()):
            if target == source:
                return path
            if target not in visited:
                visited.add(target)
                paths.append((*path, target))
    return ()
