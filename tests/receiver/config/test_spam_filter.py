"""The table [spam_filter] of the configuration."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from receiver.config.load import ConfigError, from_table
from receiver.config.values import Config, Rspamd

REST = 'hostname = "mx.test"\nmail = "/m"\n[domains."a.test"]\nmailboxes = ["alice"]\n'


def read(table: str) -> Config:
    return from_table(tomllib.loads(f"{REST}[spam_filter]\n{table}"), "x")


def test_a_filter_is_a_socket_and_whether_it_may_refuse() -> None:
    socket = 'socket = "/run/rspamd/normal.sock"\n'
    assert read(socket).spam_filter == Rspamd(Path("/run/rspamd/normal.sock"))
    assert read(socket + "refuses = false").spam_filter == Rspamd(Path("/run/rspamd/normal.sock"))
    assert read(socket + "refuses = true").spam_filter == Rspamd(Path("/run/rspamd/normal.sock"), True)
    assert from_table(tomllib.loads(REST), "x").spam_filter is None


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("", "spam_filter.socket: missing"),
        ('socket = "rspamd"', "spam_filter.socket: must be an absolute path"),
        ('socket = "/r"\nrefuses = 1', "spam_filter.refuses: must be true or false, not 1"),
        ('socket = "/r"\nrefuse = true', "spam_filter.refuse: unknown key; did you mean refuses?"),
    ],
)
def test_each_problem_is_named(table: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(table)
    assert raised.value.problems == (problem,)
