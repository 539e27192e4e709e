"""Our own resolver on a host: what the host tells, and what the step decides from it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from provision.desired import archive
from provision.desired.archive import Platform
from provision.desired.files import sha256
from provision.host.answer import parse_sections
from provision.host.services.resolver import READ_RESOLVED, OwnResolver, parse_own_resolver
from provision.resolver import WantedResolver, commands, wanted
from tests.lab.machines.machine import DEADLINE
from tests.provision.host.test_observed import FINE
from tests.provision.hosts import DEPLOYED

WANTED = replace(wanted(Platform("3.14", "x86_64")), program="0123456789abcdef")
THERE = OwnResolver(sha256(WANTED.service), sha256(WANTED.socket), WANTED.program, listens=True)
PROBED = """service 11
socket 22
program 0123456789abcdef
whole yes
enabled enabled
active active
reload no no
since Thu 2026-11-26 12:00:00.500000 UTC
changed 1795694400.400000 1795694400.300000"""


def words(there: OwnResolver | None, needed: WantedResolver | None = WANTED) -> list[str]:
    """What the step would do, a text for each command."""
    return [each.get_raw_value() for each in commands(replace(DEPLOYED, own_resolver=there), needed)]


def test_a_host_that_is_as_it_should_be_is_left_alone() -> None:
    assert words(THERE) == []
    assert words(None, None) == []


@pytest.mark.parametrize(
    ("changed", "done"),
    [
        ({"needs_reload": True}, ["systemctl daemon-reload"]),
        ({"is_old": True}, ["systemctl restart letterbox-resolver.service"]),
        ({"listens": False}, ["systemctl enable -q --now letterbox-resolver.socket"]),
        (
            {"service": "old"},
            ["letterbox-resolver.service.new", "systemctl daemon-reload", "systemctl restart"],
        ),
        ({"socket": ""}, ["letterbox-resolver.socket.new", "systemctl daemon-reload", "systemctl enable"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_differs_is_put_right_and_nothing_else(changed: dict[str, object], done: list[str]) -> None:
    found = words(replace(THERE, **changed))  # type: ignore[arg-type]
    assert len(found) == len(done)
    assert all(part in command for part, command in zip(done, found, strict=True)), found


def test_the_service_is_the_first_file_that_comes_and_the_last_one_that_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "archive", lambda platform, program: b"")  # it would be built
    came = words(None)
    assert "letterbox-resolver.service.new" in came[0]
    assert came[-1].startswith("systemctl stop")
    (gone,) = words(THERE, None)
    assert gone.index("rm -rf /opt/letterbox/resolver") < gone.index("rm -f /etc/systemd/system/")


def test_what_the_host_has_of_it_is_read() -> None:
    assert parse_own_resolver(PROBED.splitlines()) == OwnResolver(
        "11", "22", "0123456789abcdef", listens=True
    )
    assert parse_own_resolver([]) is None


@pytest.mark.parametrize(
    ("line", "other", "value"),
    [
        ("whole yes", "", {"program": ""}),
        ("active active", "active inactive", {"listens": False}),
        ("reload no no", "reload no yes", {"needs_reload": True}),
        ("1795694400.300000", "1795694400.600000", {"is_old": True}),
        ("since Thu 2026-11-26 12:00:00.500000 UTC", "since ", {"is_old": False}),
    ],
)
def test_what_is_not_as_it_should_be_is_seen(line: str, other: str, value: dict[str, object]) -> None:
    assert line in PROBED
    found = parse_own_resolver(PROBED.replace(line, other).splitlines())
    assert found is not None
    assert {key: getattr(found, key) for key in value} == value


@contextmanager
def answering(path: Path, reply: bytes) -> Iterator[None]:
    """A socket that answers one call so. Empty: it hangs up."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(reply)

        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize(
    ("reply", "resolved"),
    [
        (b'{"error":"org.varlink.service.InvalidParameter","parameters":{"parameter":"name"}}\0', True),
        (b'{"error":"org.varlink.service.MethodNotFound","parameters":{}}\0', False),
        (b'{"error":"org.varlink.service.InterfaceNotFound","parameters":{}}\0', False),
        (b'{"error":"org.varlink.service.PermissionDenied","parameters":{}}\0', None),
        (b"", None),
    ],
)
def test_resolved_tells_whether_it_knows_the_call(
    tmp_path: Path, reply: bytes, resolved: bool | None
) -> None:
    path = tmp_path / "socket"
    with answering(path, reply):
        assert told(path) is resolved


def test_without_its_socket_there_is_no_resolved(tmp_path: Path) -> None:
    assert told(tmp_path / "socket") is False
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(tmp_path / "socket"))
    assert told(tmp_path / "socket") is False


def told(path: Path) -> bool | None:
    """What the deploy reads from the program that the probe runs."""
    program = f"{READ_RESOLVED}\nprint('3.14'); print('resolved', read_resolved({str(path)!r}, {DEADLINE}))"
    done = subprocess.run(
        [sys.executable, "-IS", "-c", program], capture_output=True, text=True, check=True, timeout=DEADLINE
    )
    seen = parse_sections({**FINE, "python": done.stdout.splitlines()})
    assert seen.greetings == {}
    return seen.resolved


@pytest.mark.parametrize(("lines", "resolved"), [(["missing"], False), ([], None)])
def test_a_host_without_python_tells_whether_there_is_a_socket(
    lines: list[str], resolved: bool | None
) -> None:
    assert parse_sections({**FINE, "resolved": lines}).resolved is resolved


def test_a_host_that_does_not_tell_is_unknown() -> None:
    seen = parse_sections({**FINE, "python": ["3.14", "127.0.0.1 220 mx1.example.com"]})
    assert (seen.resolved, seen.own_resolver) == (None, None)
    assert set(seen.greetings) == {"127.0.0.1"}
