"""The spam filter that a host's receiver asks."""

from __future__ import annotations

import pytest

from dns.inventory.host_spam_filter import SpamFilter, from_data
from dns.inventory.mail_host import from_data as host_from_data

SOCKET = "/run/rspamd/normal.sock"


def read(value: object) -> tuple[SpamFilter | None, list[str]]:
    problems: list[str] = []
    return from_data({"spam_filter": value}, problems), problems


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (SOCKET, SpamFilter(SOCKET)),
        ({"socket": SOCKET}, SpamFilter(SOCKET)),
        ({"socket": SOCKET, "refuses": True}, SpamFilter(SOCKET, refuses=True)),
        ({"socket": SOCKET, "refuses": False}, SpamFilter(SOCKET)),
        (None, None),
        (False, None),
    ],
)
def test_a_filter_is_a_socket_that_marks_spam_or_refuses_it(value: object, wanted: SpamFilter | None) -> None:
    assert read(value) == (wanted, [])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "socket must be the absolute path of rspamd's Unix socket"),
        ("run/rspamd/normal.sock", "not 'run/rspamd/normal.sock'"),
        ("localhost:11333", "not 'localhost:11333'"),
        ("", "must be the absolute path"),
        ("/run/\n", "must be the absolute path"),
        ({}, "not None"),
        ({"refuses": True}, "not None"),
        ({"socket": SOCKET, "refuses": "yes"}, "refuses must be True or False, not 'yes'"),
        ({"socket": SOCKET, "refuse": True}, "unknown key refuse (did you mean refuses?)"),
        ([SOCKET], "must be the absolute path"),
        ("/run/" + "x" * 103, "more than 107 octets"),
        ("/tmp/rspamd.sock", "cannot see /tmp"),
        ("/home/alice/rspamd.sock", "cannot see /home"),
    ],
)
def test_what_the_service_could_not_reach_is_refused(value: object, said: str) -> None:
    _, problems = read(value)
    assert len(problems) == 1
    assert said in problems[0]


def test_a_host_has_it_or_a_problem_at_its_key() -> None:
    host, problems = host_from_data("mx1.example.com", {"spam_filter": SOCKET})
    assert (host.spam_filter, problems) == (SpamFilter(SOCKET), [])
    _, (problem,) = host_from_data("mx1.example.com", {"spam_filter": "rspamd"})
    assert problem.at == ("mx1.example.com", "spam_filter")


def test_a_plain_host_has_none() -> None:
    assert host_from_data("mx1.example.com", {})[0].spam_filter is None
