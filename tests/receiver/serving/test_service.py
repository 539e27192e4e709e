"""The program as a service manager and a user see it: signals, arguments, version, imports."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import receiver
from receiver.__main__ import main
from tests.receiver.processes import ROOT
from tests.receiver.server import Server
from tests.receiver.wire import Client, listen


def test_sigterm_finishes_work_and_answers_421_to_idle_senders(serve: Callable[..., Server]) -> None:
    server = serve()
    idle, writing = server.client(), server.client()
    writing.begin()
    writing.send(b"Subject: under way\r\n\r\n")
    server.process.send_signal(signal.SIGTERM)
    idle.expect("421 4.3.2")
    assert idle.closed()
    with pytest.raises(ConnectionError):
        Client(server.port).line()
    writing.send(b"body\r\n.\r\n")
    writing.expect("250 2.0.0")
    assert server.stop() == 0
    assert len(server.messages()) == 1


def test_sigterm_does_not_wait_for_ever(serve: Callable[..., Server]) -> None:
    server = serve(limits={"shutdown_timeout": 1})
    with server.client() as client:
        client.begin()
        client.send(b"Subject: never ends\r\n" + b"x" * 300_000)
        assert server.stop() == 0
    assert not server.messages()
    assert not server.messages(part="tmp")


def test_a_port_in_use_is_said_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with listen(socket.AF_INET, "127.0.0.1") as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--listen", f"127.0.0.1:{port}", "--mail", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error == f"letterbox: cannot serve: 127.0.0.1 port {port}: Address already in use\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["serve", "--listen", "nonsense"],
        ["serve", "--prot", "1"],
        ["serve", "--workers", "65"],
        ["check"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert "usage: letterbox" in capsys.readouterr().err


def test_a_config_and_a_domain_do_not_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--config", "x.toml", "--domain", "a.test", "--workers", "2"]) == 78
    assert "--domain and --workers: not together with --config" in capsys.readouterr().err


def test_the_version_is_the_project_s(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert receiver.__version__ == project["version"]
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"letterbox {project['version']}\n"


def test_the_receiver_imports_nothing_but_its_dependencies_and_the_standard_library() -> None:
    imported = set()
    for path in (ROOT / "receiver").rglob("*.py"):
        imported |= set(re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE))
    assert imported - set(sys.stdlib_module_names) == {
        "receiver", "aiosmtpd", "cryptography", "nh3", "webencodings",
    }  # fmt: skip


def test_serve_and_list_load_no_parser_of_mail() -> None:
    code = (
        "import receiver.serving.server, receiver.reading.listing, sys;"
        "print({'nh3', 'webencodings', 'receiver.content.content'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
