"""The arguments of the mail benchmark, its neighbour, and its rates."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks.mail.__main__ import main
from benchmarks.mail.arguments import parse
from benchmarks.mail.disks.neighbour import RATE, writing
from benchmarks.mail.load import Load, Result
from benchmarks.mail.loads import wanted
from tests.waiting import wait_until


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--peers", "postfix,sendmail"], "no peer 'sendmail'"),
        (["--peers", ""], "no peer ''"),
        (["--sync-delay", "0"], "'0' is not a whole number from 1"),
        (["--rounds", "none"], "'none' is not a whole number from 1"),
        (["--load", "20"], "invalid choice: '20'"),
        (["--workers", "0"], "'0' is not a whole number from 1"),
        (["--disk", "vfat"], "invalid choice: 'vfat'"),
    ],
)
def test_a_wrong_argument_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_the_neighbour_writes_as_fast_as_it_says_and_leaves_nothing(tmp_path: Path) -> None:
    with writing(tmp_path) as wrote:
        (file,) = tmp_path.iterdir()
        assert file.name == "neighbour"
        before = file.stat().st_size
        wait_until(lambda: file.stat().st_size > before, "it writes")  # A busy disk may hold it up.
        time.sleep(1)  # A rate can only be measured over some time.
    assert 0 < wrote[0] < 2 * RATE  # It makes up for half a second if a busy disk delays it.
    assert not list(tmp_path.iterdir())


def test_short_leaves_a_quarter_of_the_messages_and_slow_disks_have_their_own_loads() -> None:
    def messages(*arguments: str) -> dict[str, int]:
        return {each.title: each.messages for each in wanted(parse(arguments, None))}

    assert messages("--short") == {title: number // 4 for title, number in messages().items()}
    assert messages("--load", "20 sessions") == {"20 sessions": messages()["20 sessions"]}
    assert list(messages("--sync-delay", "8")) == ["1 session", "20 sessions", "200 sessions"]


def test_only_mail_in_the_maildir_in_time_counts() -> None:
    load, result = Load("x", 1, 100, 10), Result(seconds=2.0, cpu=0, memory=0, late=40)
    assert (result.rate(load), result.accepted(load)) == (30, 50)
