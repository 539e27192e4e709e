"""No program of ours fails because its standard output cannot write a character."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploys import PYINFRA, ROOT
from tests.receiver.stored_mail import Mail

ENCODINGS = ({"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})
INVENTORY = """\
mail_hosts = (
    [("mx1.bücher.test", {"public_ipv4": "10.0.0.1"})],
    {"domains": {"bücher.test": {"mailboxes": ["zoe"], "aliases": {"postmaster": ["zoë"]}}}},
)
"""


def said(command: list[str], environment: dict[str, str]) -> tuple[str, int]:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    text = (done.stdout + done.stderr).decode("utf-8")  # click writes UTF-8 whatever is asked for
    assert "Unicode" not in text and "Traceback" not in text, text
    return text, done.returncode


@pytest.mark.parametrize("environment", ENCODINGS, ids=lambda each: next(iter(each)))
def test_a_message_beyond_ascii_is_listed_and_shown(tmp_path: Path, environment: dict[str, str]) -> None:
    mail = Mail(tmp_path)
    mail.store(
        "From: zoe@sender.test\nSubject: Grüße ✓\nContent-Type: text/plain; charset=utf-8\n\nSchöne Grüße …\n"
    )
    listed, code = said(["-m", "receiver", "list", "--text", "--mail", str(tmp_path)], environment)
    assert (code, "Gr??e +" in listed) == (0, True)
    shown, code = said(["-m", "receiver", "show", "1", "--text", "--mail", str(tmp_path)], environment)
    assert (code, "Sch?ne Gr??e ~" in shown) == (0, True)


@pytest.mark.parametrize("environment", ENCODINGS, ids=lambda each: next(iter(each)))
@pytest.mark.parametrize(
    "command",
    [
        ["-m", "dns.sync", "bücher.test", "--inventory"],
        ["-m", "dns.check", "bücher.test", "--inventory"],
        ["-m", "first_mail.doctor", "--inventory"],
        ["-m", "first_mail.proof", "--inventory"],
        [str(PYINFRA), "--dry", "INVENTORY", "deploy.py"],
    ],
    ids=["dns.sync", "dns.check", "doctor", "proof", "pyinfra"],
)
def test_an_error_beyond_ascii_is_said(
    tmp_path: Path, command: list[str], environment: dict[str, str]
) -> None:
    path = tmp_path / "ma il" / "inventory.py"
    path.parent.mkdir()
    path.write_text(INVENTORY, "utf-8")
    words = [str(path) if word == "INVENTORY" else word for word in command]
    text, code = said([*words, *([] if "INVENTORY" in command else [str(path)])], environment)
    assert code == 1
    assert "inventory.py:2: host mx1.b" in text
