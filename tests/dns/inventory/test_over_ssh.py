"""Reading a host's own addresses with the system's ssh."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from dns.errors import HostUnreadable
from dns.inventory.host_shell import MARK
from dns.inventory.mail_host import MailHost
from dns.inventory.over_ssh import read, ssh_arguments

HOST = MailHost("mx1", "mx1.example.com", None, None)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (f"echo '{MARK}'; echo '[7]'", "not a list"),
        ("printf '\\377'", "answered"),
        ("echo Welcome", "printed 'Welcome'"),
        ("exit 0", "ran nothing"),
        ("exit 3", "exit code 3"),
    ],
)
def test_an_ssh_that_answers_nonsense_is_reported(
    ssh_runs: Callable[[str], None], script: str, said: str
) -> None:
    ssh_runs(script)
    with pytest.raises(HostUnreadable, match=said):
        read(HOST)


def test_an_ssh_that_cannot_be_run_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ssh").write_bytes(b"\x7fnot a program")
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostUnreadable, match="ssh cannot be run"):
        read(HOST)


def test_ssh_is_called_as_pyinfras_data_says_and_never_asks() -> None:
    ssh = {"ssh_user": "fedora", "ssh_port": 2222, "ssh_key": "id", "ssh_config_file": "conf"}
    arguments = ssh_arguments("mx1", ssh)
    assert arguments[:3] == ["ssh", "-o", "BatchMode=yes"]
    assert arguments[-10:] == ["-F", "conf", "-l", "fedora", "-p", "2222", "-i", "id", "--", "mx1"]
    assert ssh_arguments("mx1", {"ssh_hostname": "192.0.2.1"})[-2:] == ["--", "192.0.2.1"]


def test_a_file_of_known_hosts_may_have_a_space_in_its_name() -> None:
    arguments = ssh_arguments("mx1", {"ssh_known_hosts_file": "/my mail/known_hosts"})
    assert arguments[-4:-2] == ["-o", 'UserKnownHostsFile="/my mail/known_hosts"']


@pytest.mark.skipif(not shutil.which("ssh"), reason="OpenSSH is not installed")
def test_a_host_that_does_not_answer_is_reported_with_sshs_reason() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        host = MailHost("127.0.0.1", "mx1.example.com", None, None, ssh={"ssh_port": port})
        with pytest.raises(HostUnreadable, match=r"over ssh \(.*refused.*set public_ipv4"):
            read(host)


def test_a_machine_without_ssh_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(HostUnreadable, match="there is no ssh on this machine"):
        read(HOST)
