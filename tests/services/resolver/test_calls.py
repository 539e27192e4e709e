"""The relay's socket: how calls and replies look, and what is hung up on."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from receiver.checks.dns_query import TXT
from services.resolver.command import main
from services.resolver.nameservers import Nameservers, Server
from tests.dns.loopback.nameserver import Nameserver
from tests.house.rooms import ROOT
from tests.services.resolver.answers import ORIGIN
from tests.services.resolver.relays import ask

KEY = f"s._domainkey.{ORIGIN}"


RESOLVE, SERVICE = "io.systemd.Resolve.", "org.varlink.service."


def asking(parameters: object) -> bytes:
    """The call with these parameters, without its NUL."""
    return json.dumps({"method": f"{RESOLVE}ResolveRecord", "parameters": parameters}).encode()


def called(path: Path, *calls: bytes) -> list[Any]:
    """The replies to raw octets, until the relay hangs up or as many have come as were sent."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(path))
        client.sendall(b"".join(calls))
        got = b""
        while got.count(b"\0") < len(calls) and (more := client.recv(65536)):
            got += more
    return [json.loads(each) for each in got.split(b"\0")[:-1]]


def test_another_call_is_not_known(nameserver: Nameserver, path: Path) -> None:
    call = {"method": "io.systemd.Resolve.ResolveHostname", "parameters": {"name": "a.test"}}
    (reply,) = called(path, json.dumps(call).encode() + b"\0")
    assert reply["error"] == "org.varlink.service.MethodNotFound"


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (b"", f"{SERVICE}InvalidParameter"),
        (b"[]", f"{SERVICE}InvalidParameter"),
        (b"[" * 5000, f"{SERVICE}InvalidParameter"),
        (b'{"method": 3}', f"{SERVICE}MethodNotFound"),
        (asking(None), f"{SERVICE}InvalidParameter"),
        (asking({"name": "a.test"}), f"{SERVICE}InvalidParameter"),
        (asking({"name": "a.test", "type": 70000}), f"{SERVICE}InvalidParameter"),
        (asking({"name": "a.test", "type": 16, "class": 3}), f"{SERVICE}InvalidParameter"),
        (asking({"name": 1, "type": 16}), f"{SERVICE}InvalidParameter"),
        (asking({"name": "a..b", "type": 16}), f"{SERVICE}InvalidParameter"),
        (asking({"name": "a.test", "type": 252}), f"{RESOLVE}ResourceRecordTypeInvalidForQuery"),
    ],
)
def test_a_wrong_call_is_told_and_the_next_is_answered(
    nameserver: Nameserver, path: Path, call: bytes, error: str
) -> None:
    good = asking({"name": KEY, "type": 16})
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(path))
        for sent in (call, good):
            client.sendall(sent + b"\0")
            reply = b""
            while not reply.endswith(b"\0"):
                reply += client.recv(65536)
            told = json.loads(reply[:-1])
            assert told.get("error") == (error if sent == call else None)


def test_a_call_without_an_end_is_hung_up_on(nameserver: Nameserver, path: Path) -> None:
    assert called(path, b"x" * 20_000) == []
    assert ask(path, KEY).records


def test_without_a_socket_it_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    assert "name one with --listen, or start letterbox-resolver.socket" in capfd.readouterr().err
    assert main(["--listen", "/nonexistent/socket"]) == 1
    assert "letterbox-resolver: /nonexistent/socket: No such file or directory" in capfd.readouterr().err


def test_the_socket_that_systemd_hands_over_is_served(nameserver: Nameserver, tmp_path: Path) -> None:
    path = tmp_path / "handed"
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(path))
        opened.listen()
        shell = f'exec 3<&{opened.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
        program = [sys.executable, "-m", "services.resolver", "--server", nameserver.resolver]
        with subprocess.Popen(
            ["bash", "-c", shell, "bash", *program], cwd=ROOT, pass_fds=[opened.fileno()]
        ) as process:
            try:
                assert ask(path, KEY).records
            finally:
                process.terminate()
    assert process.returncode == 0
    assert path.exists(), "it is systemd's, which opened it"


def test_the_ttl_is_the_shortest_on_the_way(path: Path) -> None:
    (reply,) = called(path, asking({"name": f"short.{ORIGIN}", "type": TXT}) + b"\0")
    (record,) = reply["parameters"]["rrs"]
    assert record["rr"]["key"] == {"class": 1, "type": 16, "name": KEY}
    owner = b"\x01s\x0a_domainkey\x06checks\x04test\0"
    assert base64.b64decode(record["raw"]).startswith(owner + b"\0\x10\0\1" + (7).to_bytes(4, "big"))


def test_nameservers_that_change_are_read_again(nameserver: Nameserver, tmp_path: Path) -> None:
    """The port is always 53 there, so only whom it would ask is looked at."""

    file = tmp_path / "resolv.conf"
    known = Nameservers(file)
    assert known.servers() == (Server("127.0.0.1"),)
    file.write_text("# first\nsearch example.test\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n")
    assert known.servers() == (Server("192.0.2.1"), Server("2001:db8::1"))
    new = tmp_path / "new"
    new.write_text("nameserver 192.0.2.2\noptions edns0 trust-ad\n")
    new.replace(file)
    assert known.servers() == (Server("192.0.2.2"),)
    file.write_text("options edns0\n")
    assert known.servers() == (Server("127.0.0.1"),)
