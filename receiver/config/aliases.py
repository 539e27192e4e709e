"""Expanding aliases to the mailboxes behind them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from receiver.mailbox import Mailbox


def expand(
    alias: str,
    domain: str,
    boxes: Mapping[str, tuple[str, ...]],
    aliases: Mapping[str, Mapping[str, tuple[str, ...]]],
    seen: tuple[str, ...] = (),
) -> tuple[Mailbox, ...]:
    """The mailboxes behind an alias, each once, in the order in which they are named.

    `boxes` and `aliases` are by domain. `seen` are the aliases that led here. Raises ValueError if a target
    does not exist, or if aliases lead to each other in a loop.
    """
    here = f"{alias}@{domain}"
    if here in seen:
        raise ValueError("loops: " + " -> ".join((*seen, here)))
    found: dict[Mailbox, None] = {}
    for target in aliases[domain][alias]:
        local, _, other = target.rpartition("@") if "@" in target else (target, "", domain)
        if other not in boxes:
            raise ValueError(f"{target!r} is not at a domain served here")
        if local in boxes[other]:
            found[Mailbox(other, local)] = None
        elif local in aliases[other]:
            found.update(dict.fromkeys(expand(local, other, boxes, aliases, (*seen, here))))
        else:
            raise ValueError(f"{target!r} is neither a mailbox nor an alias of {other}")
    return tuple(found)
