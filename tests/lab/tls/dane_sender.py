"""A sender that does DANE (RFC 7672): a second Postfix in the world, beside the stranger's that does not.

It asks the validating resolver. Where TLSA records are proved for a mail host, it delivers to no other key,
and defers. Where there are none, or the zone is not signed, it encrypts without proof if it can.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.tls import signing
from tests.lab.tls.postfix import Sender, started
from tests.lab.world import World


@contextmanager
def running(world: World) -> Iterator[Sender]:
    """The sender and its resolver, started. At the end it is stopped, and its queue is emptied."""
    signing.start_validating(world)
    with started(world, "postfix-dane", 2525) as sender:
        yield sender
