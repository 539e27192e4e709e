"""`letterbox hooks`: listing, trying again and dropping, as a user who is not root may try it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.hooks.command import row
from receiver.hooks.status import Configured, Status
from tests.receiver.hooks.queues import configuration, queue, remember

ROOT = Path(__file__).resolve().parents[3]


def hooks(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "receiver", "hooks", "--config", str(config), *words],
        cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    (tmp_path / "mail").mkdir()
    return tmp_path / "mail"


def test_each_hook_is_a_line_of_json_and_the_table_has_no_more(mail: Path) -> None:
    made = queue(mail, pending=2, dead=1)
    remember(made, last_error={"id": "x", "error": "500\x1b[2J", "at": 17}, last_success=1_800_000_000)
    config = configuration(mail, "orders", "other")
    lines = [json.loads(line) for line in hooks(config).stdout.splitlines()]
    assert [(each["hook"], each["backlog"], each["dead"]) for each in lines] == [
        ("orders", 2, 1),
        ("other", 0, 0),
    ]
    assert [each["unread"] for each in lines] == [None, "pending: No such file or directory"]
    assert lines[0]["last_success"] == "2027-01-15T08:00:00Z"
    text = hooks(config, "--text").stdout
    assert "orders" in text and "\x1b" not in text


def test_without_hooks_the_page_is_named(mail: Path) -> None:
    done = hooks(configuration(mail), "--text")
    assert (done.returncode, "docs/hooks.md" in done.stdout) == (0, True)


@pytest.mark.parametrize("broken", ["hooks = 3\n", "[hooks]\norders = 3\n"])
def test_hooks_that_are_no_tables_are_a_wrong_configuration(mail: Path, broken: str) -> None:
    config = configuration(mail)
    text = config.read_text()
    at_top = broken.startswith("hooks")
    config.write_text(f"{broken}{text}" if at_top else f"{text}\n{broken}")
    done = hooks(config, "--json")
    assert (done.returncode, done.stdout) == (os.EX_CONFIG, "")
    assert "hooks must be tables such as [hooks.orders]" in done.stderr


def test_retry_brings_back_what_was_given_up_and_asks_the_process(mail: Path) -> None:
    made = queue(mail, pending=1, dead=2)
    names = {*made.pending_names(), *made.dead_names()}
    done = hooks(configuration(mail, "orders"), "--retry", "orders")
    assert (done.returncode, done.stdout) == (0, "3 messages of hook orders are tried again at once\n")
    assert (set(made.pending_names()), made.dead_names()) == (names, [])
    assert made.retry.read_text() == "", "which stands for all"


def test_retry_of_one_id_leaves_the_others_given_up(mail: Path) -> None:
    made = queue(mail, dead=2)
    first, second = made.dead_names()
    done = hooks(configuration(mail, "orders"), "--retry", "orders", first, first)
    assert (done.returncode, done.stdout[:10]) == (0, "1 message ")
    assert (made.pending_names(), made.dead_names()) == ([first], [second])
    assert made.retry.read_text() == f"{first}\n"


def test_the_ids_that_are_asked_for_one_after_the_other_come_together_until_all_are(mail: Path) -> None:
    made = queue(mail, pending=2, dead=1)
    config = configuration(mail, "orders")
    first, second = made.pending_names()
    (third,) = made.dead_names()
    assert hooks(config, "--retry", "orders", first).stdout.startswith("1 message ")
    assert hooks(config, "--retry", "orders", third, second).returncode == 0
    assert made.retry.read_text().splitlines() == [first, third, second]
    for words in (["--retry", "orders"], ["--retry", "orders", first]):
        assert hooks(config, *words).returncode == 0
        assert made.retry.read_text() == "", "all stays all"
    assert made.retry.stat().st_mode & 0o777 == 0o644
    assert not made.retry.with_name("retry.new").exists()


def test_drop_asks_or_wants_yes_and_then_forgets(mail: Path) -> None:
    made = queue(mail, pending=2, dead=1)
    config = configuration(mail, "orders")
    assert (hooks(config, "--drop", "orders").returncode, len(made.pending_names())) == (2, 2)
    first = made.pending_names()[0]
    done = hooks(config, "--drop", "orders", first, "--yes")
    assert (done.stdout, len(made.pending_names())) == ("hook orders has forgotten 1 message\n", 1)
    assert hooks(config, "--drop", "orders", "--yes").returncode == 0
    assert (made.pending_names(), made.dead_names(), made.folder.is_dir()) == ([], [], True)


def test_drop_of_a_hook_that_is_configured_no_more_takes_its_queue(mail: Path) -> None:
    made = queue(mail, "old", pending=1)
    assert hooks(configuration(mail, "orders"), "--drop", "old", "--yes").returncode == 0
    assert not made.folder.exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--retry", "ordres"], 1, "ordres: no such hook: this host has old, orders"),
        (["--drop", "../../x", "--yes"], 1, "no such hook"),
        (["--retry", "orders", "1.x"], 1, "1.x: hook orders has no such message"),
        (["--drop", "orders", "1.x", "--yes"], 1, "has no such message"),
        (["--retry", "old"], 1, "hook old is not in the configuration"),
        (["--retry", "orders", "--drop", "orders"], 2, "not allowed with"),
    ],
)
def test_what_is_not_there_is_said_in_one_line_and_nothing_is_done(
    mail: Path, words: list[str], code: int, said: str
) -> None:
    for name in ("orders", "old"):
        queue(mail, name, pending=1)
    done = hooks(configuration(mail, "orders"), *words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert len(list(mail.glob(".hooks/*/pending/*"))) == 2


def test_a_row_says_when_the_next_try_is_and_what_is_wrong() -> None:
    told = Configured(target="https://app.example.net", unit="active")
    found = Status("orders", told, 2, 40.0, next_try=400.0)
    assert row(found, 100.0) == ["orders", "https://app.example.net", "2", "1 min", "0", "in 5 min", "active"]
    assert row(Status("orders", told, stopped="410 Gone", next_try=400.0), 100.0)[5:] == [
        "-",
        "stopped (410 Gone)",
    ]
    assert row(Status("orders", told, unread="broken"), 100.0)[5] == "?"
    assert row(Status("old", None, 1, 40.0), 100.0)[6] == "not configured"


STRANGE: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "link": lambda path: path.symlink_to("elsewhere"),
    "folder": Path.mkdir,
}


@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE.keys())
def test_what_a_hook_puts_in_the_place_of_retry_is_said_in_one_line_and_nothing_waits(
    mail: Path, make: Callable[[Path], object]
) -> None:
    made = queue(mail, pending=1)
    make(made.retry)
    done = hooks(configuration(mail, "orders"), "--retry", "orders")
    assert (done.returncode, done.stderr.count("\n"), str(made.retry) in done.stderr) == (1, 1, True), done
    assert not (made.retry.parent / "elsewhere").exists()


def test_a_pipe_with_a_reader_in_the_place_of_retry_is_refused_too(mail: Path) -> None:
    made = queue(mail, pending=1)
    os.mkfifo(made.retry)
    reader = os.open(made.retry, os.O_RDONLY | os.O_NONBLOCK)
    done = hooks(configuration(mail, "orders"), "--retry", "orders")
    os.close(reader)
    assert (done.returncode, "is no regular file: remove it" in done.stderr) == (1, True), done


@pytest.mark.parametrize("words", [["--retry", "orders"], ["--drop", "orders", "--yes"]])
def test_a_queue_that_is_a_link_to_another_one_is_not_followed(mail: Path, words: list[str]) -> None:
    made, other = queue(mail, dead=1), queue(mail, "other", pending=2)
    made.pending.rmdir()
    made.pending.symlink_to(other.pending)
    done = hooks(configuration(mail, "orders", "other"), *words)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done
    assert (len(other.pending_names()), len(made.dead_names())) == (2, 1)


def test_entries_that_are_no_messages_stay_where_they_are(mail: Path) -> None:
    made = queue(mail, pending=1)
    secret = mail / "secret"
    secret.write_text("of somebody else")
    strange = {name: made.dead / f"1.M{name}.mx1.00000000" for name in STRANGE}
    for name, make in STRANGE.items():
        make(strange[name])
    strange["link"].unlink()
    strange["link"].symlink_to(secret)
    config = configuration(mail, "orders")
    assert hooks(config, "--retry", "orders").stdout.startswith("1 message of hook")
    assert hooks(config, "--drop", "orders", "--yes").stdout == "hook orders has forgotten 1 message\n"
    assert {*made.dead.iterdir()} == {*strange.values()}
    assert secret.read_text() == "of somebody else"
