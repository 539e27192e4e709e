"""Every dialogue, held with our receiver in its own process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.__main__ import main, run
from tests.conformance.dialogue import DialogueError, load
from tests.conformance.ours import running
from tests.conformance.play import Outcome, Server

DIALOGUES = load()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("ours")) as server:
        yield server


@pytest.fixture(scope="module")
def outcomes(ours: Server) -> list[Outcome]:
    return run(DIALOGUES, ours)


@pytest.mark.parametrize("at", range(len(DIALOGUES)), ids=[each.title for each in DIALOGUES])
def test_our_receiver_keeps_to_the_dialogue(outcomes: list[Outcome], at: int) -> None:
    assert outcomes[at] == Outcome("ok"), f"{DIALOGUES[at].source}: {DIALOGUES[at].title}"


def test_the_suite_has_as_many_dialogues_as_it_says() -> None:
    assert len(DIALOGUES) >= 150
    assert all(each.origin for each in DIALOGUES)


def test_a_server_that_differs_is_reported_with_the_line(ours: Server, tmp_path: Path) -> None:
    text = "== Wrong\nfrom: nowhere\nS: 220\nC: NOOP\nS: 999\n"
    text += "== Hangs up\nfrom: nowhere\nS: 220\nC: QUIT\nS: 221\nS: 1\n"
    (tmp_path / "wrong.smtp").write_text(text)
    wrong, hangs_up = run(load(tmp_path), ours)
    assert (wrong.mark, wrong.why) == ("differs", "line 5: expected 999, got '250 2.0.0 OK'")
    assert (hangs_up.mark, hangs_up.why) == ("differs", "line 11: expected 1, the server hung up")


def test_a_stored_step_checks_the_mailbox(ours: Server, tmp_path: Path) -> None:
    talk = "S: 220\nC: EHLO x\nS: 250\nC: MAIL FROM:<>\nS: 250\nC: RCPT TO:<{to}>\nS: 250\nC: DATA\nS: 354\n"
    text = f"== Stored\nfrom: nowhere\n{talk}C: a\\x20word that is there\nC: .\nS: 250\n"
    (tmp_path / "stored.smtp").write_text(
        text + "stored: a word that is there\\r\\n\nstored: a word that is not there\n"
    )
    (outcome,) = run(load(tmp_path), ours)
    assert outcome.why == "line 16: no message in the mailbox has b'a word that is not there'"


def test_each_makes_every_combination_that_unless_does_not_exclude(tmp_path: Path) -> None:
    text = (
        "== {a}{b}\nfrom: x\neach: a = \\r | \\n\neach: b = \\n | \\0\nunless: {a}{b} contains \\r\\n\nS: 1\n"
    )
    (tmp_path / "each.smtp").write_text(text)
    assert [each.title for each in load(tmp_path)] == ["\\r\\0", "\\n\\n", "\\n\\0"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("== T\nfrom: x\nnonsense\n", "wrong.smtp:3: not a step: 'nonsense'"),
        ("== T\nfrom: x\nC: \\q\n", r"wrong.smtp:3: unknown escape in '\\\\q'"),
        ("== T\nfrom: x\nS: (\n", "wrong.smtp:3: missing"),
        ("== T\nfrom: x\nuse: nothing\n", "wrong.smtp:3: no section :: nothing"),
        ("== T\nS: 220\n", "does not say where it is from"),
        ("== T\nfrom: x\n== T\nfrom: x\n", "title used twice: T"),
    ],
)
def test_a_mistake_in_a_dialogue_is_reported_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "wrong.smtp").write_text(text)
    with pytest.raises(DialogueError, match=problem):
        load(tmp_path)


def test_the_program_prints_a_table_and_fails_if_a_server_differs(
    ours: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"{ours.host}:{ours.port}"
    assert main([address, "--only", "HELO is answered in one line"]) == 0
    assert "ok" in capsys.readouterr().out
    assert main([address, "--only", "A sub-address reaches", "--why"]) == 0
    assert main([address, "--only", "is no fault", "--to", "nobody@example.test", "--why"]) == 1
    assert "expected 250, got '550 5.1.1" in capsys.readouterr().out
