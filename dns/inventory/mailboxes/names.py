"""The mailboxes of a served domain: their names, and the options of those that have any. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from dns.inventory.mailboxes.limits import KEYS
from dns.names import did_you_mean, local_part

Options = Mapping[str, Mapping[object, object]]
"""The options of each mailbox that has any, as the inventory gives them, by local part."""


def from_data(value: object, problems: list[str]) -> tuple[tuple[str, ...], Options]:
    """Read a domain's `mailboxes`: a list of names, or a dict of names with options.

    Returns the local parts in lower case, and the options. Each problem is added to `problems`.
    """
    if not isinstance(value, list | tuple | Mapping):
        problems.append(
            'mailboxes must be a list such as ["alice"], or a dict such as '
            f'{{"alice": {{"quota": 1_000_000_000}}}}, not {value!r}'
        )
        return (), {}
    names: list[str] = []
    options: dict[str, Mapping[object, object]] = {}
    for item in value:
        try:
            name = local_part(item) if isinstance(item, str) else ""
            if not name:
                raise ValueError("is not a mailbox name: write it as a string")
        except ValueError as error:
            problems.append(f"mailbox {item!r} {error}")
            continue
        if name in names:
            problems.append(f"mailbox {item!r} is named twice (case does not matter): name it once")
            continue
        names.append(name)
        if isinstance(value, Mapping) and (given := _options(item, value[item], problems)):
            options[name] = given
    return tuple(names), options


def _options(name: str, value: object, problems: list[str]) -> Mapping[object, object]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        problems.append(
            f'mailbox {name}: its options must be a dict such as {{"quota": 1_000_000_000}}, not {value!r}'
        )
        return {}
    problems += [
        f"mailbox {name}: unknown key {key}{did_you_mean(str(key), KEYS)}: "
        f"a mailbox may have {' and '.join(KEYS)}"
        for key in value
        if key not in KEYS
    ]
    return value
