"""The doctor's link about the spam filter. It never ends the walk, because mail is taken without rspamd."""

from __future__ import annotations

import os
import socket
from functools import partial
from pathlib import Path

import pytest

from receiver.config.values import Rspamd
from receiver.doctor import rspamd as doctor
from receiver.doctor.rspamd import check_rspamd, judged, ping
from tests.receiver.processes import DEADLINE
from tests.receiver.spam_filter.stand_in import Behaviour, rspamd

PONG = b"HTTP/1.1 200 OK\r\nServer: rspamd/4.1.5\r\nContent-Length: 6\r\n\r\npong\r\n"


def saying(octets: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        assert connection.recv(100) == b"GET /ping HTTP/1.0\r\n\r\n"
        connection.sendall(octets)
        connection.recv(1)

    return behave


@pytest.mark.parametrize(
    ("says", "evidence"),
    [
        (PONG, "rspamd answers ("),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "what listens is not rspamd: mail is taken unfiltered"),
        (b"220 mx.example.test ESMTP\r\n", "what listens is not rspamd: mail is taken unfiltered"),
        (b"", "no answer: mail is taken unfiltered"),
    ],
)
def test_only_an_rspamd_that_answers_holds(tmp_path: Path, says: bytes, evidence: str) -> None:
    path = tmp_path / "socket"
    with rspamd(path, saying(says)):
        link = judged(path, *ping(path, DEADLINE if says else 0.2))
    assert evidence in link.evidence
    assert link.holds is (True if says == PONG else None)
    assert not link.is_broken


def test_a_stopped_rspamd_is_to_be_started(tmp_path: Path) -> None:
    link = judged(tmp_path / "socket", *ping(tmp_path / "socket"))
    assert link.evidence.endswith("socket: No such file or directory: mail is taken unfiltered")
    assert link.look.startswith("systemctl restart rspamd")


def test_rspamd_is_asked_with_the_rights_of_the_service(
    root: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may connect to any socket. The user of the service is in the group of the socket, or not."""
    monkeypatch.setattr(doctor, "ping", partial(ping, patience=DEADLINE))
    path = folder / "socket"
    with rspamd(path, saying(PONG)):
        path.chmod(0o660)
        link = check_rspamd(Rspamd(path), "nobody")
        assert link.evidence.endswith("Permission denied: mail is taken unfiltered")
        assert link.look.startswith("usermod -aG root letterbox && systemctl restart letterbox")
        os.chown(path, 0, os.getgrouplist("nobody", 65534)[0])
        assert check_rspamd(Rspamd(path), "nobody").holds is True
