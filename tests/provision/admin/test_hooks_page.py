"""The program in docs/hooks.md, run as the page says, in front of a real hook."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from dns.inventory.hooks.reading import from_data
from tests.house.rooms import ROOT
from tests.ports import free_port
from tests.services.hooks.hooks import SECRET, Hook
from tests.waiting import wait_until

PAGE = (ROOT / "docs" / "hooks.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.M | re.S)
(PROGRAM,) = (text for language, text in BLOCKS if language == "python" and "Flask" in text)


@pytest.fixture
def flask(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of the running program, and what it prints."""
    (tmp_path / "app.py").write_text(PROGRAM)
    port = free_port()
    said = tmp_path / "said"
    with said.open("w") as out, subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "run", "--port", str(port)],
        cwd=tmp_path, env={**os.environ, "HOOK_SECRET": SECRET}, stdout=out, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        wait_until(lambda: "Running on" in said.read_text(), said.read_text)
        yield f"http://127.0.0.1:{port}/mail", said
        process.terminate()


def test_the_program_is_ten_lines_and_takes_a_message_with_its_signature(
    flask: tuple[str, Path], tmp_path: Path
) -> None:
    assert len([line for line in PROGRAM.splitlines() if line.strip()]) == 10
    url, said = flask
    hook = Hook(tmp_path / "host", url=url, allow_private=True)
    name = hook.store()
    with hook.running():
        wait_until(lambda: name in said.read_text(), said.read_text)
        wait_until(lambda: not hook.names(), "it is delivered")
    assert f"{name} Zoe <zoe@sender.test> an order" in said.read_text()


@pytest.mark.parametrize(
    "heads", [{}, {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,aGk="}]
)
def test_the_program_refuses_what_is_not_signed(flask: tuple[str, Path], heads: dict[str, str]) -> None:
    url, _ = flask
    request = urllib.request.Request(url, b"{}", heads, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 401


@pytest.mark.parametrize(
    "text", [text for language, text in BLOCKS if '"mailbox"' in text or '"command"' in text]
)
def test_the_hooks_of_the_page_are_hooks_of_an_inventory(text: str) -> None:
    given = eval(f"{{{text}}}")
    problems: list[str] = []
    assert from_data(given if "hooks" in given else {"hooks": given}, problems)
    assert problems == []
