"""`letterbox list | show | wait | follow` say who really sent a message, and no sender can make them lie."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.receiver.processes import ROOT
from tests.receiver.reading.results import FORGED, GENUINE, UNKNOWN, WITHOUT_DNS, written
from tests.receiver.reading.test_reading import on_a_terminal
from tests.receiver.stored_mail import Mail

LETTER = "From: Bank <info@bank.example>\nSubject: {}\n\nhello\n"
STORED = {"genuine": GENUINE, "forged": FORGED, "unknown": UNKNOWN, "no DNS": WITHOUT_DNS}
MARKS = {"genuine": "✓", "forged": "✗", "unknown": "?", "no DNS": "?", "old": "-", "junk": "✗ spam"}
SPAM = b"X-Spam: Yes, score=12.3, required=6.0\r\n"


@pytest.fixture
def mail(tmp_path: Path) -> Mail:
    """A message for each answer, one from before the checks, and one that is forged and spam."""
    made = Mail(tmp_path / "mail")
    made.store(LETTER.format("old"))
    for name, found in STORED.items():
        made.store(LETTER.format(name), above=written(found))
    made.store(LETTER.format("junk"), above=written(FORGED) + SPAM)
    return made


def _by_subject(mail: Mail) -> dict[str, dict[str, Any]]:
    return {each["subject"]: each for each in mail.json("list")}


def test_list_has_the_answers_in_its_json(mail: Mail) -> None:
    listed = _by_subject(mail)
    assert {name: each["authentic"] for name, each in listed.items()} == {
        "genuine": True,
        "forged": False,
        "unknown": None,
        "no DNS": None,
        "old": None,
        "junk": False,
    }
    genuine, old = listed["genuine"], listed["old"]
    assert (genuine["author_domain"], genuine["authentic_by"], genuine["policy"]) == (
        "gmail.com",
        "dkim",
        "none",
    )
    assert genuine["dkim"] == [{"domain": "gmail.com", "result": "pass"}]
    assert (genuine["spf"], genuine["dmarc"], genuine["reverse"]) == ("pass", "pass", "mail.sender.test")
    for key in ("author_domain", "authentic_by", "policy", "dkim", "spf", "dmarc", "reverse", "spam"):
        assert old[key] is None, key
    assert listed["junk"]["spam"] is True


def test_list_has_a_column_with_a_mark(mail: Mail) -> None:
    lines = mail.letterbox("list", "--text").stdout.decode().splitlines()
    at = lines[0].index("Real")
    until = lines[0].index("From")
    for line in lines[1:]:
        (subject,) = (name for name in MARKS if name in line.split("bank.example>")[1])
        assert line[at:until].strip() == MARKS[subject]
        assert line[until:].startswith("Bank <info@bank.example>")


def test_a_terminal_that_has_no_utf8_gets_words(mail: Mail) -> None:
    line = mail.line("list", "--text")
    done = subprocess.run(
        line, cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "latin-1"}, capture_output=True, check=True
    )
    heads, *lines = done.stdout.decode("latin-1").splitlines()
    at, until = heads.index("Real"), heads.index("From")
    assert [line[at:until].strip() for line in lines] == ["NO spam", "?", "?", "NO", "yes", "-"]


def test_a_mark_has_a_colour_on_a_terminal_and_nowhere_else(mail: Mail) -> None:
    said = on_a_terminal(mail.line("list", "--text"))
    assert "\x1b[32m✓\x1b[0m" in said
    assert "\x1b[31m✗ spam\x1b[0m" in said
    assert "\x1b" not in mail.letterbox("list", "--text").stdout.decode()


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 160])
def test_the_columns_stay_aligned_on_a_terminal_of_any_width(mail: Mail, columns: int) -> None:
    plain = re.sub(r"\x1b\[\d+m", "", on_a_terminal(mail.line("list", "--text"), columns=columns))
    heads, *lines = plain.splitlines()
    at, until = heads.index("Real"), heads.index("From")
    assert [line[at:until].strip() for line in lines] == ["✗ spam", "?", "?", "✗", "✓", "-"]
    assert all(line[until:].startswith("Bank") for line in lines)
    assert all(len(line) <= max(columns, 77) for line in plain.splitlines())


def test_show_says_it_in_a_sentence(mail: Mail) -> None:
    for number, sentence in enumerate(
        (
            "Really from bank.example: NO: its owner asks to reject such mail (p=reject); spam",
            "Really from gmail.com: could not be checked: DNS did not answer",
            "Really from shop.example: cannot be known: shop.example publishes no policy",
            "Really from bank.example: NO: its owner asks to reject such mail (p=reject)",
            "Really from gmail.com: yes (DKIM pass, aligned)",
            "Really from its domain: not checked",
        ),
        start=1,
    ):
        for more in ((), ("--headers",)):
            assert (
                sentence in mail.letterbox("show", "--text", str(number), *more).stdout.decode().splitlines()
            )


def test_a_sentence_is_broken_between_words_on_a_narrow_terminal(mail: Mail) -> None:
    said = re.sub(r"\x1b\[\d+m", "", on_a_terminal(mail.line("show", "--text"), columns=60))
    first, second = said[said.index("Really") :].splitlines()[:2]
    assert first == "Really from bank.example: NO: its owner asks to reject"
    assert second == "          such mail (p=reject); spam"


@pytest.mark.parametrize(
    ("subject", "code", "why"),
    [
        ("genuine", 0, ""),
        ("forged", 1, "Really from bank.example: NO: its owner asks to reject such mail (p=reject)"),
        ("unknown", 3, "Really from shop.example: cannot be known: shop.example publishes no policy"),
        ("no DNS", 3, "Really from gmail.com: could not be checked: DNS did not answer"),
        ("old", 3, "Really from its domain: not checked"),
        ("never sent", 1, "no message in 0 s: see `letterbox doctor`"),
    ],
)
def test_wait_can_fail_for_a_message_that_is_not_authentic(
    mail: Mail, subject: str, code: int, why: str
) -> None:
    arguments = ("--since", "3000", "--timeout", "0", "--subject", subject, "--json")
    done = mail.letterbox("wait", "--authentic", *arguments)
    assert done.returncode == code
    assert bool(done.stdout) == (subject != "never sent"), "the message is shown all the same"
    assert done.stderr.decode().endswith(f"{why}\n" if why else "")
    assert len(done.stderr.splitlines()) == bool(why)
    assert mail.letterbox("wait", *arguments).returncode == (subject == "never sent")


def test_follow_has_the_mark_before_the_sender(mail: Mail) -> None:
    line = mail.line("follow", "--text")
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while not select.select([process.stdout], [], [], 0.2)[0]:
            mail.store(LETTER.format("forged"), above=written(FORGED))  # until the command looks
        said = process.stdout.readline()
        process.send_signal(signal.SIGINT)
    assert re.match(r"\d\d \w{3} \d\d:\d\d  ✗  Bank <info@bank.example>  forged  ", said)
