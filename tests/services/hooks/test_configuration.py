"""The configuration of a hook and its secrets: the right is taken, and the wrong is said in a line."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from services.hooks import configuration, credentials
from services.hooks.configuration import Command, Endpoint, Url
from services.hooks.errors import HookError
from tests.services.hooks.hooks import KEY, SECRET, Hook


def test_a_url_has_defaults() -> None:
    assert configuration.parse({"url": "https://app.example.com/mail?x=1"}) == Url(
        Endpoint("https", "app.example.com", 443, "/mail?x=1"), "json", False, 262_144
    )


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://app.example.com", "app.example.com", "/"),
        ("https://app.example.com:443/a", "app.example.com", "/a"),
        ("https://APP.example.com:8443/%C3%BC", "app.example.com:8443", "/%C3%BC"),
        ("https://[2001:db8::1]:444/", "[2001:db8::1]:444", "/"),
        ("https://192.0.2.1", "192.0.2.1", "/"),
        ("https://app.example.com?q", "app.example.com", "/?q"),
    ],
)
def test_a_url_is_where_it_leads(url: str, authority: str, path: str) -> None:
    endpoint = configuration.parse_url(url, allow_http=False)
    assert (endpoint.authority, endpoint.path) == (authority, path)


def test_what_is_told_of_a_url_has_neither_path_nor_query() -> None:
    endpoint = configuration.parse_url("https://app.example.com/s3cret?key=s3cret", allow_http=False)
    assert str(endpoint) == "https://app.example.com"


def test_a_command_is_its_words() -> None:
    assert configuration.parse({"command": ["/bin/sort-it", "$(x)"]}) == Command(("/bin/sort-it", "$(x)"))


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({}, "url: name either a url or a command, and not both"),
        ({"url": "https://a.test", "command": ["/a"]}, "url: name either a url or a command, and not both"),
        ({"url": "http://a.test"}, "url: must begin with https://, because http lets others read the mail"),
        ({"url": "ftp://a.test", "allow_private": True}, "url: must begin with https://"),
        ({"url": "https://u:s3cret@a.test"}, "url: must not hold a password"),
        ({"url": "https://a.test@127.0.0.1/"}, "url: must not hold a password"),
        ({"url": "https://a.test#s3cret"}, "url: must not have a fragment"),
        ({"url": "https://a.test\\@b.test"}, "url: must be visible US-ASCII"),
        ({"url": "https://müller.test/"}, "url: must be visible US-ASCII"),
        ({"url": "https://a.test/ s3cret"}, "url: must be visible US-ASCII"),
        ({"url": "https://a.test/\r\nX: y"}, "url: must be visible US-ASCII"),
        ({"url": "https:///x"}, "url: is not a URL: its host is malformed"),
        ({"url": "https://a.test:99999/"}, "url: is not a URL: its host or port is malformed"),
        ({"url": "https://a.test:0/"}, "url: is not a URL: port 0 is none"),
        ({"url": "https://[::1/"}, "url: is not a URL"),
        ({"url": "https://a%2etest/"}, "url: is not a URL: its host is malformed"),
        ({"url": 5}, "url: must be a string, not 5"),
        ({"url": "https://a.test", "form": "xml"}, "form: must be json or raw, not 'xml'"),
        ({"url": "https://a.test", "max_raw": -1}, "max_raw: must be from 0 to 33554432, not -1"),
        ({"url": "https://a.test", "max_raw": True}, "max_raw: must be a whole number, not True"),
        ({"url": "https://a.test", "allow_privat": True}, "allow_privat: unknown key; did you mean allow_pr"),
        ({"url": "https://a.test", "mailboxes": ["a"]}, "mailboxes: 'a' is not of the form mailbox@domain"),
        ({"command": []}, "command: names no program"),
        ({"command": "/bin/x"}, "command: must be a list of strings, not '/bin/x'"),
        ({"command": ["sort-it"]}, "command: 'sort-it' must be an absolute path"),
        ({"command": ["/bin/x", "a\0b"]}, "command: must not hold NUL"),
        ({"command": ["/bin/x", 1]}, "command: must be a list of strings"),
    ],
)  # fmt: skip
def test_each_mistake_is_said_by_its_key_without_the_url(table: dict[str, object], problem: str) -> None:
    with pytest.raises(HookError) as raised:
        configuration.parse(table)
    assert any(each.startswith(problem) for each in raised.value.problems), raised.value.problems
    assert "s3cret" not in str(raised.value)


def test_the_secret_and_the_password_are_read_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "basic").write_text("actionmailbox:s3cret\n")
    found = credentials.load(str(tmp_path))
    assert (found.keys, found.basic) == ((KEY,), b"actionmailbox:s3cret")
    assert "s3cret" not in repr(found)
    assert "\\x01" not in repr(found)


def encoded(size: int) -> str:
    return "whsec_" + base64.b64encode(bytes(size)).decode()


@pytest.mark.parametrize(
    ("secret", "basic", "problem"),
    [
        (None, None, "secret: is missing"),
        ("", None, "secret: is empty"),
        ("hunter22", None, "secret: must be whsec_"),
        (encoded(32).removeprefix("whsec_"), None, "secret: must be whsec_"),
        (encoded(23), None, "secret: must be whsec_"),
        (encoded(65), None, "secret: must be whsec_"),
        ("whsec_hunter22!", None, "secret: must be whsec_"),
        (encoded(24), "hunter22", "basic: must be USER:PASSWORD"),
        (encoded(64), "a:hunter22\nX: y", "basic: must be USER:PASSWORD"),
    ],
)
def test_a_wrong_secret_is_said_without_its_value(
    tmp_path: Path, secret: str | None, basic: str | None, problem: str
) -> None:
    for file, text in (("secret", secret), ("basic", basic)):
        if text is not None:
            (tmp_path / file).write_text(text)
    with pytest.raises(HookError) as raised:
        credentials.load(str(tmp_path))
    assert problem in str(raised.value)
    assert "hunter22" not in str(raised.value)


def test_the_program_says_what_is_wrong_in_lines_and_ends_with_78(hook: Hook) -> None:
    hook.config.write_text('command = ["sort-it"]\nfrom = 1\n')
    done = hook.run()
    assert done.returncode == os.EX_CONFIG
    assert [line.partition(": ")[2] for line in done.stderr.splitlines()] == [
        f"{hook.config}: from: unknown key; did you mean form?",
        f"{hook.config}: command: 'sort-it' must be an absolute path, because no shell looks for it",
    ]


@pytest.mark.parametrize("text", [b"url = ", b"\xff"])
def test_a_file_that_is_not_toml_is_said_in_a_line(hook: Hook, text: bytes) -> None:
    hook.config.write_bytes(text)
    done = hook.run()
    assert done.returncode == os.EX_CONFIG
    assert done.stderr.startswith(f"letterbox-hook: {hook.config}: is not TOML: ")
    assert len(done.stderr.splitlines()) == 1


def test_missing_files_are_said_in_a_line(hook: Hook) -> None:
    hook.pending.rmdir()
    assert hook.run().stderr == (
        f"letterbox-hook: {hook.pending}: No such file or directory: deploy again, which makes it\n"
    )
    hook.config.unlink()
    done = hook.run()
    assert done.stderr == (
        f"letterbox-hook: {hook.config}: cannot be read: No such file or directory: deploy again\n"
    )
    assert done.returncode == os.EX_CONFIG
