"""What each scripted newcomer reads: after each command its exit code, what happened, and what to do next.

`make test` plays one of them, `make thorough` all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conftest import usable_lab
from tests.lab import lifecycle
from tests.lab.screen.newcomer import DEPLOY, DOCTOR, DRY, PATHS, PROOF, play
from tests.lab.screen.terminal import COLUMNS

pytestmark = pytest.mark.lab

THOROUGH = os.environ.get("LETTERBOX_THOROUGH") == "1"
QUICK = "postfix"

Step = tuple[str, int, list[str]]
"""How a command begins, its exit code, and what the screen must say."""
SETUP: Step = ("make setup", 0, ["Ready. Next: . .venv/bin/activate"])
MADE: Step = (
    DEPLOY,
    0,
    ["+ example.test MX 10 mx1.example.test", "make proof INVENTORY=~/mail/inventory.py"],
)
AGAIN: Step = (DEPLOY, 0, ["example.test: in sync (MX 1, A 1, AAAA 1)"])
PROVED: Step = (PROOF, 0, ["Stored: this host receives mail.", "sudo /usr/local/bin/letterbox list"])
WHOLE: Step = (DOCTOR, 0, ["Nothing is broken."])
WITHOUT_DRY = "run the same command without --dry"
SCREENS: dict[str, list[Step]] = {
    "root": [
        SETUP,
        ("mkdir", 1, ["inventory.py is still the example: set your host in place of mx1.example.com"]),
        (DRY, 1, ["unknown key mailboxs (did you mean mailboxes?)"]),
        (DRY, 0, ["+ example.test MX 10 mx1.example.test", WITHOUT_DRY]),
        MADE,
        PROVED,
        AGAIN,
        WHOLE,
    ],
    "fedora": [SETUP, MADE, PROVED, ("ssh", 0, ["Messages of proofs: 1."])],
    "postfix": [
        SETUP,
        (
            DEPLOY,
            1,
            [
                "port 25 is taken by master (postfix.service, on 0.0.0.0:25 and [::]:25)",
                "as root on the host, with `systemctl disable --now postfix`",
                "then run this again. Nothing was changed.",
            ],
        ),
        ("ssh", 0, []),
        MADE,
        PROVED,
    ],
    "closed-port": [
        SETUP,
        MADE,
        (
            PROOF,
            130,
            ["interrupted: the address no longer exists. If you sent a message: make doctor INVENTORY="],
        ),
        ("python -m first_mail.doctor", 2, ["→ ask the host's provider to let 25/tcp in"]),
        PROVED,
    ],
    "no-python": [
        SETUP,
        (DRY, 0, ["not on the host, and to be installed: python3, openssl", WITHOUT_DRY]),
        MADE,
        PROVED,
        WHOLE,
    ],
}


def too_long(line: str) -> bool:
    """Whether a line is wider than the terminal, though it could have been folded between two words."""
    return len(line) > COLUMNS and max(map(len, line.split())) + 9 < COLUMNS


@pytest.fixture
def transcript(
    request: pytest.FixtureRequest, name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    folder = tmp_path_factory.mktemp("newcomer") / ".lab"
    lab = usable_lab(request.config, folder, quiet=True, system=PATHS[name].system)
    yield list(play(lab, name))
    lifecycle.take_down(folder)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.skipif(name != QUICK and not THOROUGH, reason="make thorough"))
        for name in PATHS
    ],
)
def test_the_screen_says_what_happened_and_what_is_next(name: str, transcript: list[str]) -> None:
    commands = "\n".join(line for line in transcript if not line.startswith("(")).split("\n$ ")
    commands[0] = commands[0].removeprefix("$ ")
    assert len(commands) == len(SCREENS[name]), commands
    for text, (begin, code, said) in zip(commands, SCREENS[name], strict=True):
        assert text.startswith(begin), text
        assert f"[exit code {code}]" in text, text
        screen = " ".join(text.split())  # a line that is too long goes on in the next
        for words in said:
            assert words in screen, text
        assert "Traceback" not in text
        assert [line for line in text.splitlines()[1:] if too_long(line)] == []
