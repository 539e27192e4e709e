"""A journal that takes no more lines holds up neither mail nor the end of the receiver."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.receiver.processes import DEADLINE, ROOT, environment
from tests.receiver.wire import Client


def test_a_journal_that_takes_no_lines_holds_up_neither_mail_nor_the_end(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "receiver", "serve", "--listen", "127.0.0.1:0", "--mail", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, env=environment())
    assert process.stderr
    try:
        first = process.stderr.readline().decode()
        port = int(first.partition("127.0.0.1:")[2].split()[0])
        for _ in range(36):  # 650 lines of about 150 octets are more than a pipe holds.
            with Client(port) as client:
                client.expect(220)
                client.ask("EHLO x", 250)
                for _ in range(18):
                    client.begin("a@example.test")
                    client.send(b"Subject: " + b"x" * 200 + b"\r\n\r\n.\r\n")
                    client.expect("250 2.0.0")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
