"""The table [store] of the configuration."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from receiver.config.load import ConfigError, from_table
from receiver.config.values import Config, StoreConfig

REST = 'hostname = "mx.test"\nmail = "/m"\n[domains."a.test"]\nmailboxes = ["alice"]\n'
LONG = "/" + "s" * 107


def read(table: str) -> Config:
    return from_table(tomllib.loads(f"{REST}[store]\n{table}"), "x")


def test_a_store_is_a_socket_and_a_promise() -> None:
    socket = 'socket = "/run/letterbox-bucket/bucket.sock"\n'
    path = Path("/run/letterbox-bucket/bucket.sock")
    assert read(socket).store == StoreConfig(path, "disk")
    assert read(socket + 'promise = "disk"').store == StoreConfig(path, "disk")
    assert read(socket + 'promise = "bucket"').store == StoreConfig(path, "bucket")
    assert from_table(tomllib.loads(REST), "x").store is None


def test_only_the_promise_bucket_waits_for_the_bucket() -> None:
    assert StoreConfig(Path("/s"), "bucket").waits_for_bucket
    assert not StoreConfig(Path("/s")).waits_for_bucket


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("", "store.socket: missing"),
        ('promise = "bucket"', "store.socket: missing"),
        ('socket = "bucket.sock"', "store.socket: must be an absolute path"),
        (f'socket = "{LONG}"', "store.socket: has 108 octets, more than the 107 of a socket's path"),
        (
            'socket = "/s"\npromise = "buckets"',
            'store.promise: must be "disk" or "bucket", not \'buckets\'; did you mean bucket?',
        ),
        ('socket = "/s"\npromise = ""', 'store.promise: must be "disk" or "bucket", not \'\''),
        ('socket = "/s"\npromise = true', "store.promise: must be a string, not True"),
        ('socket = "/s"\nurl = "https://r2"', "store.url: unknown key"),
    ],
)
def test_each_problem_is_named(table: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(table)
    assert raised.value.problems == (problem,)


def test_what_is_no_table_is_a_problem() -> None:
    with pytest.raises(ConfigError, match="store: must be a table"):
        from_table(tomllib.loads('store = "bucket"\n' + REST), "x")


@pytest.mark.parametrize(("name", "fits"), [("ü" * 102, True), ("ü" * 103, False), ("a" * 255, True)])
def test_a_mailbox_must_fit_into_the_keys_of_the_bucket(name: str, fits: bool) -> None:
    table = {
        "hostname": "mx.test",
        "mail": "/m",
        "domains": {"a.test": {"mailboxes": ["alice", name]}},
    }
    assert from_table(table, "x").store is None
    with_store = table | {"store": {"socket": "/s"}}
    if fits:
        assert from_table(with_store, "x").store
        return
    with pytest.raises(ConfigError) as found:
        from_table(with_store, "x")
    (problem,) = found.value.problems
    assert problem.startswith('domains."a.test".mailboxes: ') and "too long for the key" in problem
