"""The check of the store: each link good, and each broken."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import pytest

from receiver.bucket.client import Client
from receiver.bucket.protocol import LINKS, Link
from tests.bucket.gateway import Fault, Gateway
from tests.bucket.seaweed import Engine
from tests.bucket.service import Service, service
from tests.ports import free_port

METHODS = ("PUT", "GET", "HEAD")


def states(links: list[Link]) -> dict[str, str]:
    assert [each.link for each in links] == list(LINKS)
    assert all(each.found and "\n" not in each.found + each.fix for each in links)
    assert all(each.fix for each in links if each.state == "bad")
    return {each.link: each.state for each in links}


def broken_at(link: str, state: str = "bad") -> dict[str, str]:
    at = LINKS.index(link)
    return {each: "good" if n < at else state if n == at else "unknown" for n, each in enumerate(LINKS)}


def test_a_store_that_is_well_is_good_and_nothing_is_left_in_it(client: Client) -> None:
    assert set(states(list(client.check())).values()) == {"good"}
    assert not list(client.list(""))


@pytest.mark.parametrize(
    ("fault", "methods", "link", "state"),
    [
        (Fault.SKEWED, METHODS, "clock", "bad"),
        (Fault.BAD_KEY, METHODS, "key", "bad"),
        (Fault.BAD_SIGNATURE, METHODS, "key", "bad"),
        (Fault.BAD_KEY, ["PUT"], "key", "bad"),  # a key that may only read
        (Fault.NO_BUCKET, METHODS, "key", "bad"),
        (Fault.ERROR, ["PUT", "GET"], "key", "unknown"),
        (Fault.SLOW_DOWN, ["PUT"], "key", "unknown"),
        (Fault.HANG, ["PUT"], "key", "unknown"),
        (Fault.NO_CONDITIONS, ["PUT"], "conditional write", "bad"),
        (Fault.FULL, ["PUT"], "key", "bad"),
    ],
)
def test_a_broken_link_is_named(
    client: Client, gate: Gateway, fault: Fault, methods: list[str], link: str, state: str
) -> None:
    for method in methods:
        gate.every(fault, method)
    expected = broken_at(link, state)
    found = states(list(client.check()))
    assert found == expected


@pytest.mark.parametrize("fault", [Fault.WRONG_REGION, Fault.ELSEWHERE])
def test_a_wrong_region_is_not_taken_for_a_wrong_key(client: Client, gate: Gateway, fault: Fault) -> None:
    gate.every(fault, "GET")
    (link,) = [each for each in client.check() if each.state == "bad"]
    assert link.link == "key"
    assert link.fix == 'correct "region" or the URL of the store: "auto" for R2, and its own for Amazon'


def check(bucket: Service, *more: str) -> tuple[int, list[Link]]:
    """The command `check` with the configuration of a service that need not run."""
    done = subprocess.run(
        [*bucket.command, *more, "check", "--json"],
        env=bucket.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, [Link(**each) for each in json.loads(done.stdout)["links"]]


@pytest.mark.parametrize(
    ("url", "link", "state"),
    [
        ("https://no-such-host.invalid/mail", "name", None),
        ("http://127.0.0.1:{closed}/mail", "TLS", "bad"),
        ("https://127.0.0.1:{silent}/mail", "TLS", "unknown"),
        ("https://127.0.0.1:{store}/mail", "TLS", "bad"),
        ("http://127.0.0.1:{store}/no-such-bucket", "key", "bad"),
    ],
)
def test_the_command_names_a_broken_link(
    tmp_path: Path, engine: Engine, url: str, link: str, state: str | None
) -> None:
    port = engine.endpoint.rsplit(":", 1)[1]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = url.format(closed=free_port(), store=port, silent=silent.getsockname()[1])
        code, links = check(Service(tmp_path, [url], engine.key, engine.secret))
    found = states(links)
    assert code == 1
    assert found == broken_at(link, state or found[link]) and found[link] != "good"


def test_several_gateways_are_as_bad_as_the_worst_of_them(tmp_path: Path, engine: Engine) -> None:
    closed = f"http://127.0.0.1:{free_port()}/mail"
    with (
        service(tmp_path, [engine.url, closed], engine.key, engine.secret) as running,
        running.client() as client,
    ):
        links = list(client.check())
    assert states(links) == broken_at("TLS")
    assert closed.split("/")[2] in links[1].found


def test_the_key_pair_may_come_from_standard_input(tmp_path: Path, engine: Engine) -> None:
    bucket = Service(tmp_path, [engine.url], "nobody", "nothing")
    done = subprocess.run(
        [*bucket.command, "--key-from-stdin", "check"],
        input=f"{engine.key}\n{engine.secret}\n",
        env={
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SESSION_TOKEN": "x",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("good") == len(LINKS)
