"""Lines on a terminal are broken between words, and only there."""

from __future__ import annotations

import io

import pytest

from receiver.cli.terminal import Screen
from receiver.doctor.links import Link, print_link


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")


LONG = Link("packet filter", "evidence " * 20, "do this and " * 20)


def test_a_link_of_the_doctor_fits_into_eighty_columns() -> None:
    out = Terminal()
    print_link(LONG, Screen(out))
    lines = out.getvalue().splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[0].startswith("✗ packet filter  evidence")
    assert lines[1].startswith(" " * 17 + "evidence")
    assert " ".join(out.getvalue().split()).endswith(" ".join(LONG.fix.split()))


def test_a_path_longer_than_a_line_stays_whole() -> None:
    out = Terminal()
    path = "/var/lib/letterbox/mail/" + "long/" * 20
    Screen(out).hanging("Lies in  ", 9, f"the file {path}")
    assert path in out.getvalue().splitlines()[1]


def test_what_a_program_reads_stays_one_line() -> None:
    out = io.StringIO()
    print_link(LONG, Screen(out))
    assert len(out.getvalue().splitlines()) == 2
