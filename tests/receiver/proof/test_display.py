"""What a person sees of a proof: also of a host whose release does not say who sent a message."""

from __future__ import annotations

import io
from typing import Any

import pytest

from receiver.cli.terminal import Screen
from receiver.proof.display import Display

EVIDENCE: dict[str, Any] = {
    "peer": "192.0.2.1",
    "reverse_name": None,
    "helo": "mail.sender.test",
    "tls": None,
    "cipher": None,
    "seconds": 0.08,
    "sha256": "66fb",
    "path": "/var/lib/letterbox/mail/example.test/.proof/new/1",
    "from": "zoe@sender.test",
    "subject": "first",
    "date": "",
    "text": "hello\n",
}


def _shown(**more: object) -> list[str]:
    out = io.StringIO()
    Display(Screen(out)).stored({**EVIDENCE, **more})
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"authentic": True}, "Really from sender.test: words"),
        ({"authentic": False, "spam": True}, "Really from sender.test: words; spam"),
        ({"authentic": None, "spam": None}, "Really from sender.test: words"),
    ],
)
def test_a_person_sees_it_right_after_that_the_message_is_stored(more: dict[str, object], line: str) -> None:
    assert _shown(authentic_text="Really from sender.test: words", **more)[1] == line


def test_a_host_of_an_older_release_says_nothing_of_it() -> None:
    assert not any(line.startswith("Really") for line in _shown())
    assert _shown()[1].startswith("Peer")
