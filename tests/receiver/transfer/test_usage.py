"""What a user of `letterbox pull` and `letterbox push` may do wrong, or meets, and what is said then."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.transfer import command
from receiver.transfer.setting import TIMEOUT
from tests.receiver.processes import ROOT
from tests.receiver.transfer.fleet import Host, Service

NewHost = Callable[..., Host]


def test_a_service_that_is_not_there_is_said_at_once(bucket: object, new_host: NewHost) -> None:
    host = new_host()
    absent = Host(host.top, host.top / "absent.sock")
    began = time.monotonic()
    ran = absent.run("pull")
    assert ran.code == 75
    assert ran.stderr == (
        f"letterbox: the bucket does not answer: {absent.socket}: No such file or directory: "
        "`letterbox doctor` says which step fails\n"
    )
    assert time.monotonic() - began < TIMEOUT, "it does not wait for what is not there"


@pytest.mark.parametrize("seconds", ["0", "nan", "ten", "86401"])
def test_a_pause_that_is_none_is_refused_in_words(
    seconds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.pull(["--config", str(tmp_path / "none"), "--every", seconds])
    assert ended.value.code == 2
    assert "must be a number of seconds up to 86400" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["pull"], ["push"], ["pull", "--follow"], ["push", "--follow"]])
def test_a_user_who_may_not_write_to_the_mail_folder_is_told_so(
    words: list[str], bucket: Service, new_host: NewHost
) -> None:
    host = new_host()
    host.mail.mkdir()
    host.mail.chmod(0o555)
    if os.geteuid() == 0:
        os.chown(host.mail, 65534, 65534)
    done = subprocess.run(host.command(*words), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 77
    assert done.stderr == (
        f"letterbox: {host.mail}: permission denied: run it as root (sudo /usr/local/bin/letterbox)\n"
    )
