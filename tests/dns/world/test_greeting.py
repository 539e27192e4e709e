"""Reading the greeting of a port 25: how it fails, who greets, and that the file runs on its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dns.world import greeting
from dns.world.greeting import Failure, Greeting, from_reply, greet
from tests.dns.loopback.world import MailHost

ADDRESS = "127.83.0.71"


@pytest.fixture(scope="module")
def mail_host(certificate: Path) -> Iterator[MailHost]:
    with MailHost(ADDRESS, 0, certificate, name="mx.e.test") as host:
        yield host


@pytest.fixture
def host(mail_host: MailHost) -> MailHost:
    mail_host.reset()
    return mail_host


def test_a_greeting_has_a_code_a_name_and_tls_that_works(host: MailHost) -> None:
    found = greet(host.address, port=host.port)
    assert found == Greeting(code=220, text="mx.e.test ESMTP")
    assert found.is_by("mx.e.test")
    assert not found.is_by("e.test")


def test_starttls_is_none_if_it_is_not_offered_and_else_what_went_wrong(host: MailHost) -> None:
    host.offers = False
    assert greet(host.address, port=host.port).tls is None
    host.offers, host.works = True, False
    assert greet(host.address, port=host.port).tls == "answered 454 not now"


def test_a_server_that_takes_no_mail_does_not_count_as_the_host(host: MailHost) -> None:
    host.greeting = "554 mx.e.test no"
    found = greet(host.address, port=host.port)
    assert (found.code, found.name, found.failure) == (554, "mx.e.test", "")
    assert not found.is_by("mx.e.test")


def test_a_server_that_says_nothing_is_silent(host: MailHost) -> None:
    host.greeting = ""
    assert greet(host.address, port=host.port).failure == "silent"


def test_a_port_where_nothing_listens_is_refused() -> None:
    with socket.socket() as closed:
        closed.bind((ADDRESS, 0))
        assert greet(ADDRESS, port=closed.getsockname()[1]) == Greeting(failure="refused")


@pytest.mark.parametrize(
    ("failure", "came_back"),
    [
        ("", True),
        ("refused", True),
        ("silent", True),
        ("timeout", False),
        ("unreachable", False),
        ("no route", False),
    ],
)
def test_even_a_refusal_came_back(failure: Failure, came_back: bool) -> None:
    assert Greeting(failure).came_back is came_back


@pytest.mark.parametrize(
    ("text", "name", "own"),
    [
        (b"mx.google.com ESMTP", "gmail-smtp-in.l.google.com", True),
        (b"google.com", "gmail-smtp-in.l.google.com", True),
        (b"notgoogle.com ESMTP", "gmail-smtp-in.l.google.com", False),
        (b"relay.isp.test ESMTP", "gmail-smtp-in.l.google.com", False),
        (b"***************", "gmail-smtp-in.l.google.com", False),
        (b"", "gmail-smtp-in.l.google.com", False),
    ],
)
def test_a_server_greets_by_its_own_organisation_or_another_answers_in_its_place(
    text: bytes, name: str, own: bool
) -> None:
    assert from_reply(220, text).is_by_organisation_of(name) is own


def test_the_file_runs_on_a_host_that_has_nothing_but_python(host: MailHost, tmp_path: Path) -> None:
    main = "\nimport json, sys\nfrom dataclasses import asdict\n"
    main += "print(json.dumps(asdict(greet(sys.argv[1], port=int(sys.argv[2])))))\n"
    script = Path(greeting.__file__).read_text() + main
    done = subprocess.run(
        [sys.executable, "-ISc", script, host.address, str(host.port)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert Greeting(**json.loads(done.stdout)) == greet(host.address, port=host.port), done.stderr
