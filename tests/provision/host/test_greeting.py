"""How port 25 greets, as the host itself sees it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

import pytest

from provision.host.greeting import READ_GREETING, parse_greeting
from tests.lab.machines.machine import DEADLINE


@pytest.mark.parametrize(
    ("line", "code", "name"),
    [
        ("220 mx1.example.com ESMTP", 220, "mx1.example.com"),
        ("220-mx1.example.com ESMTP", 220, "mx1.example.com"),
        ("220", 220, ""),
        ("554 no", 554, "no"),
        ("SSH-2.0-OpenSSH_10.0", 0, "SSH-2.0-OpenSSH_10.0"),
        ("2200 x", 0, "2200"),
        ("", 0, ""),
    ],
)
def test_a_greeting_is_read_by_its_reply_code(line: str, code: int, name: str) -> None:
    greeting = parse_greeting(line)
    assert (greeting.code, greeting.name) == (code, name)


@pytest.mark.parametrize(
    ("sent", "line"), [(b"220-one\r\n220 two\r\n", "220-one"), (b"220 \xff\r\n", "220 \ufffd"), (b"", "")]
)
def test_the_program_for_the_host_reads_the_first_line_and_no_more(sent: bytes, line: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        # The program connects to port 25; only its port is another one here.
        program = READ_GREETING.replace("25)", f"{server.getsockname()[1]})")
        program += f"print(ascii(read_greeting('127.0.0.1', {DEADLINE})))"

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(sent)

        greeter = threading.Thread(target=greet)
        greeter.start()
        done = subprocess.run(
            [sys.executable, "-Ic", program], capture_output=True, text=True, timeout=DEADLINE
        )
        greeter.join()
    assert done.stdout.strip() == ascii(line)
