"""What loads of checked senders need: their messages, the name server, and Letterbox's way to it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.mail.checks.network import own_network
from benchmarks.mail.checks.resolver import resolver
from benchmarks.mail.checks.senders import name_server, senders
from benchmarks.mail.checks.signing import prepare
from benchmarks.mail.load import Load

SENDERS = 20


@contextlib.contextmanager
def checked(loads: Sequence[Load], folder: Path) -> Iterator[tuple[list[Load], Path]]:
    """Prepare the messages of these loads in the folder, and run the name server and the resolver.

    In this context all is done in a network of its own. Yields the loads with their messages, and the
    resolver's socket. Raises Broken.
    """
    everybody = senders(SENDERS)
    with own_network(), name_server(everybody) as server, resolver(server, folder) as socket:
        prepared = []
        for number, load in enumerate(loads):
            (own := folder / f"load{number}").mkdir()
            messages = prepare(own, everybody, load.messages, load.octets, signed=load.signed)
            prepared.append(dataclasses.replace(load, prepared=messages))
        yield prepared, socket
