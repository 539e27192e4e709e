"""The hooks of a host: who is told of new mail, and what of it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from dns.inventory import from_hosts
from dns.inventory.hooks.target import without_query
from dns.inventory.hooks.values import Hook
from tests.dns.inventory.good import GOOD_DOMAIN, GOOD_HOST, problems

URL = "https://app.example.net/mail"
GOOD: dict[str, Any] = {"mailbox": "alice@example.com", "url": URL}


def read(given: object) -> tuple[Hook, ...]:
    data = {**GOOD_HOST, "domains": {"example.com": GOOD_DOMAIN}, "hooks": given}
    return from_hosts([("mx1.example.com", data)]).hosts[0].hooks


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (GOOD, Hook("orders", ("alice@example.com",), url=URL)),
        ({"mailbox": "Alice@Example.COM", "url": URL}, Hook("orders", ("alice@example.com",), url=URL)),
        (
            {"mailbox": ["alice@example.com", "bob@example.com"], "domain": "example.com", "url": URL},
            Hook("orders", ("alice@example.com", "bob@example.com"), ("example.com",), URL),
        ),
        (
            {"domain": "example.com", "url": URL, "form": "raw", "allow_private": True},
            Hook("orders", (), ("example.com",), URL, form="raw", allow_private=True),
        ),
        (
            {"domain": "example.com", "url": "http://10.0.0.5:8000/mail?key=1", "allow_private": True},
            Hook("orders", (), ("example.com",), "http://10.0.0.5:8000/mail?key=1", allow_private=True),
        ),
        (
            {"domain": "example.com", "command": ["/usr/local/bin/sort-it", "%h"], "user": "sorter"},
            Hook("orders", (), ("example.com",), command=("/usr/local/bin/sort-it", "%h"), user="sorter"),
        ),
    ],
)
def test_a_hook_tells_a_url_or_a_command(given: object, wanted: Hook) -> None:
    assert read({"orders": given}) == (wanted,)


def test_without_the_key_there_is_none() -> None:
    assert read(None) == read({}) == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([GOOD], "hooks must be a dict such as"),
        ({"Orders": GOOD}, "'Orders' is no name of a hook"),
        ({"../x": GOOD}, "'../x' is no name of a hook"),
        ({"a" * 33: GOOD}, "is no name of a hook"),
        ({"1st": GOOD}, "is no name of a hook"),
        ({"orders": URL}, "hook orders: must be a dict"),
        ({"orders": {**GOOD, "ulr": URL}}, "hook orders: unknown key ulr (did you mean url?)"),
        ({"orders": {"url": URL}}, "names no mail"),
        ({"orders": {"mailbox": "alice@example.com"}}, "has neither url nor command: give one of them"),
        ({"orders": {**GOOD, "command": ["/bin/x"]}}, "has a url and a command: give one of them"),
        ({"orders": {**GOOD, "mailbox": "alice"}}, "mailbox 'alice' is no address"),
        ({"orders": {**GOOD, "mailbox": 1}}, "mailbox 1 is no address"),
        ({"orders": {**GOOD, "mailbox": "alcie@example.com"}}, "is no mailbox of example.com (did"),
        ({"orders": {**GOOD, "mailbox": "postmaster@example.com"}}, "is an alias: name the mailbox"),
        ({"orders": {**GOOD, "mailbox": "alice@example.org"}}, "the inventory has no domain example.org"),
        ({"orders": {"domain": "example.org", "url": URL}}, "domain example.org is not in the inventory"),
        ({"orders": {"domain": "example", "url": URL}}, "domain 'example' has only one label"),
        ({"orders": {**GOOD, "form": "xml"}}, 'form must be "json" or "raw"'),
        ({"orders": {**GOOD, "user": "sorter"}}, "user says nothing of a url"),
        ({"orders": {**GOOD, "allow_private": "yes"}}, "allow_private must be True or False"),
        ({"orders": {**GOOD, "url": "app.example.net"}}, "url must be an address such as https://"),
        ({"orders": {**GOOD, "url": "ftp://app.example.net"}}, "url must be an address such as https://"),
        ({"orders": {**GOOD, "url": "https://app.example.net/a b"}}, "url must be an address"),
        ({"orders": {**GOOD, "url": "https://app.example.net/\n"}}, "url must be an address"),
        ({"orders": {**GOOD, "url": "https://bücher.example"}}, "in ASCII"),
        ({"orders": {**GOOD, "url": "https:///mail"}}, "has no host"),
        ({"orders": {**GOOD, "url": "https://app.example.net:70000/"}}, "is no address"),
        ({"orders": {**GOOD, "url": "https://app.example.net/#x"}}, "has a fragment"),
        ({"orders": {**GOOD, "url": "http://app.example.net/"}}, "would send mail in clear text"),
        ({"orders": {**GOOD, "url": "http://127.0.0.1:8000/"}}, "would send mail in clear text"),
        ({"orders": {**GOOD, "url": "https://10.0.0.5/"}}, "leads to 10.0.0.5, which is not a public"),
        ({"orders": {**GOOD, "url": "https://[fe80::1]/"}}, "where no hook may post"),
        ({"orders": {**GOOD, "url": "https://169.254.1.1/", "allow_private": True}}, "no hook may post"),
        ({"orders": {**GOOD, "url": "https://localhost/"}}, "is not a public address"),
        ({"orders": {**GOOD, "url": "https://168.63.129.16/"}}, "is not a public address"),
        ({"orders": {**GOOD, "url": "https://[64:ff9b::7f00:1]/"}}, "is not a public address"),
        ({"orders": {**GOOD, "url": "https://[2002:a9fe:1::]/", "allow_private": True}}, "no hook may post"),
        ({"orders": {**GOOD, "url": "https://0.1.2.3/", "allow_private": True}}, "no hook may post"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_hook_is_one_problem_with_its_fix(given: object, said: str) -> None:
    (found,) = problems({"hooks": given})
    assert found.startswith("inventory: host mx1.example.com: ")
    assert said in found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"command": "/usr/local/bin/sort-it"}, "because no shell reads it"),
        ({"command": []}, "because no shell reads it"),
        ({"command": ["/bin/x", 1]}, "because no shell reads it"),
        ({"command": ["/bin/x", "a\nb"]}, "because no shell reads it"),
        ({"command": ["sort-it"]}, "give the program's absolute path"),
        ({"command": ["/usr/../bin/x"]}, "give the program's absolute path"),
        ({"command": ["/bin/x"], "form": "raw"}, "form says nothing of a command"),
        ({"command": ["/bin/x"], "allow_private": True}, "allow_private says nothing of a command"),
        ({"command": ["/bin/x"], "user": "root"}, "would be read with all rights"),
        ({"command": ["/bin/x"], "user": "letterbox"}, "is one of the deploy's own"),
        ({"command": ["/bin/x"], "user": "a b"}, "must be the name of a user"),
    ],
)
def test_a_command_is_a_list_without_a_shell_and_not_roots(given: dict[str, object], said: str) -> None:
    (found,) = problems({"hooks": {"archive": {"domain": "example.com", **given}}})
    assert said in found


@pytest.mark.parametrize("url", ["https://user:hush@app.example.net/", "https://hush@app.example.net/"])
def test_a_secret_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    (found,) = problems({"hooks": {"my-shop": {**GOOD, "url": url}}})
    assert "LETTERBOX_HOOK_BASIC_MY_SHOP=user:password" in found
    assert "hush" not in found


def test_a_url_is_shown_without_what_it_asks_for() -> None:
    assert without_query("https://app.example.net/mail?key=hush") == "https://app.example.net/mail?…"
    assert without_query(URL) == URL
