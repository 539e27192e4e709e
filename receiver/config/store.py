"""Reading the table [store]: the bucket that mail goes to, and what a 250 promises."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from receiver.bucket import keys
from receiver.config.tables import Reader
from receiver.config.values import PROMISES, StoreConfig
from receiver.mailbox import Mailbox
from receiver.recipients import Domain

_LONGEST_SOCKET = 107  # octets of a socket's path (unix(7))


def store(reader: Reader, top: Mapping[str, Any], domains: Iterable[Domain]) -> StoreConfig | None:
    """The table [store], or None without it. Problems go to the reader.

    With it, each mailbox must have a name that fits into a key of the bucket. The inventory takes names of
    64 ASCII characters at most, which always fit.
    """
    if "store" not in top:
        return None
    for domain in domains:
        for name in sorted(domain.mailboxes or ()):
            if not keys.has_room_for(Mailbox(domain.name, name)):
                reader.complain(
                    f'domains."{domain.name}".mailboxes',
                    f"{name!r} is too long for the key of an object in the bucket: shorten it, or take out "
                    "[store]",
                )
    table = reader.table(top["store"], "store", {"promise", "socket"})
    promise = reader.value(table, "store", "promise", str)
    if promise is not None and promise not in PROMISES:
        near = get_close_matches(promise, PROMISES, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        reader.complain("store.promise", f'must be "disk" or "bucket", not {promise!r}{hint}')
    socket = reader.path(table, "store", "socket", required=True)
    if socket and (size := len(os.fsencode(socket))) > _LONGEST_SOCKET:
        reader.complain(
            "store.socket", f"has {size} octets, more than the {_LONGEST_SOCKET} of a socket's path"
        )
    return StoreConfig(socket, promise or "disk") if socket else None
