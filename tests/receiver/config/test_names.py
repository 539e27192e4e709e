"""The names in a configuration: how they are compared, and how long they may be."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

from receiver.addresses import parse_path
from receiver.config.load import LONGEST_HOSTNAME, from_table
from receiver.recipients import Directory
from tests.receiver.server import Server

SMALL = 'hostname = "mx.test"\nmail = "/m"\n'


def test_a_name_is_the_same_mailbox_composed_and_decomposed() -> None:
    composed, decomposed = "j\u00fcrgen", "ju\u0308rgen"
    for name in (composed, decomposed):
        text = f'{SMALL}[domains."a.test"]\nmailboxes = ["{name}"]\naliases = {{ "b{name}" = ["{name}"] }}\n'
        config = from_table(tomllib.loads(text + f'catch_all = "{decomposed}"\n'), "x")
        directory = Directory(config.domains)
        for spelled in (composed, decomposed, composed.upper(), f"b{composed}", f"b{decomposed}", "other"):
            path = parse_path("TO", f"TO:<{spelled}@a.test>")
            assert path.address
            (destination,) = directory.destinations(path.address)
            assert destination.mailbox.name == composed


def test_a_message_of_the_longest_hostname_is_stored(serve: Callable[..., Server]) -> None:
    name = ".".join(["x" * 39] * 5)
    assert len(name) == LONGEST_HOSTNAME - 1
    server = serve(hostname=f"{name}x")
    with server.client() as client:
        client.begin()
        client.send(b".\r\n")
        client.expect("250 2.0.0")
    (path,) = (server.mail / "example.test/alice/new").iterdir()
    path.rename(f"{path.parents[1]}/cur/{path.name}:2,DFPRST")  # as a mail client does
