"""The other side of the wire: a receiver in its own process, and a client that says what it is told."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0  # seconds any single thing may take on a slow machine

DOMAINS = """
[domains."example.test"]
mailboxes = ["alice", "bob"]
aliases = { team = ["alice", "bob"], sales = ["bob"] }

[domains."xn--bcher-kva.example"]
mailboxes = ["carol"]
catch_all = "carol"
"""


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Look again and again until it holds; `what` is said where it never does."""
    until = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < until, f"not in {DEADLINE:.0f} s: {what}"
        time.sleep(0.01)


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def mail(self) -> Path:
        return self.folder / "mail"

    @property
    def log(self) -> str:
        """The whole lines so far. A thread writes them: one may come after the reply that it is about."""
        octets = (self.folder / "log").read_bytes()
        return octets[: octets.rfind(b"\n") + 1].decode()

    def log_to_the_end(self) -> str:
        """Stop the server, which ends its log: for what must not be there, or only so many times."""
        assert self.stop() == 0, self.log
        log = self.log
        assert log.splitlines()[-1].startswith("event=stopped"), log
        return log

    def wait_for_log(self, pattern: str) -> re.Match[str]:
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            if match := re.search(pattern, self.log):
                return match
            if self.process.poll() is not None and not re.search(pattern, self.log):
                break
            time.sleep(0.01)
        raise AssertionError(f"no {pattern!r} in the log:\n{self.log}")

    def peak_memory(self) -> int:
        """Octets of resident memory at their highest."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024  # type: ignore[index]

    def cpu_seconds(self) -> float:
        """What it has used so far, which is the same on a busy machine; how long it took is not."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime

    def messages(self, mailbox: str = "alice@example.test", part: str = "new") -> list[bytes]:
        local, _, domain = mailbox.partition("@")
        folder = self.mail / domain / local / part
        return [path.read_bytes() for path in sorted(folder.iterdir())] if folder.is_dir() else []

    def wait_for_empty_tmp(self, mailbox: str = "alice@example.test") -> None:
        """What was cut off is removed by a thread, once the sender is gone."""
        local, _, domain = mailbox.partition("@")
        folder = self.mail / domain / local / "tmp"
        wait_until(lambda: not folder.is_dir() or not any(folder.iterdir()), f"{folder} is empty")

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def client(self, helo: str | None = "client.test") -> Client:
        client = Client(self.port)
        client.expect(220)
        if helo:
            client.say(f"EHLO {helo}")
            client.expect(250)
        return client


def start_server(
    folder: Path,
    *,
    certificate: tuple[Path, Path] | None = None,
    limits: Mapping[str, int] | None = None,
    mail: Path | None = None,
    domains: str = DOMAINS,
    program: Sequence[str] = ("-m", "receiver"),
    arguments: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> Server:
    """`letterbox serve` with a configuration, on a port of the system's choice, ready to be spoken to.

    `arguments` come last on its command line; `variables` are added to its environment.
    """
    text = f'hostname = "mx.example.test"\nmail = "{mail or folder / "mail"}"\naddresses = ["127.0.0.1"]\n'
    text += f'proofs = "{folder / "proofs"}"\n'
    if certificate:
        text += f'[tls]\ncertificate = "{certificate[0]}"\nkey = "{certificate[1]}"\n'
    text += "[limits]\n" + "".join(f"{key} = {value}\n" for key, value in (limits or {}).items())
    config = folder / "letterbox.toml"
    config.write_text(text + domains)
    log = (folder / "log").open("wb")
    command = [sys.executable, *program, "serve", "--config", str(config), "--listen", "127.0.0.1:0"]
    command += arguments
    variables = environment() | dict(variables or {})
    process = subprocess.Popen(command, cwd=ROOT, stderr=log, stdout=log, env=variables)
    server = Server(process, 0, folder)
    server.port = int(server.wait_for_log(r"event=listening address=127.0.0.1:(\d+)")[1])
    return server


def environment() -> dict[str, str]:
    """Ours, without what a service manager said to us."""
    return {key: value for key, value in os.environ.items() if key not in ("NOTIFY_SOCKET", "LISTEN_FDS")}


class Client:
    """A blocking SMTP client that sends raw octets."""

    def __init__(self, port: int) -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = b""

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def say(self, line: str) -> None:
        self.send(line.encode() + b"\r\n")

    def line(self) -> bytes:
        while b"\n" not in self._input:
            octets = self.socket.recv(65536)
            if not octets:
                raise EOFError(f"closed after {self._input!r}")
            self._input += octets
        line, _, self._input = self._input.partition(b"\n")
        return line + b"\n"

    def reply(self) -> str:
        """One whole reply, its lines joined by newlines."""
        lines = []
        while True:
            line = self.line()
            assert line.endswith(b"\r\n"), line
            lines.append(line[:-2].decode())
            if lines[-1][3:4] != "-":
                return "\n".join(lines)

    def expect(self, *codes: int | str) -> str:
        """The next replies have these codes or beginnings; the last one."""
        reply = ""
        for code in codes:
            reply = self.reply()
            assert reply.startswith(str(code)), f"expected {code}, got {reply}"
        return reply

    def ask(self, line: str, code: int | str) -> str:
        self.say(line)
        return self.expect(code)

    def begin(self, *recipients: str, sender: str = "<stranger@sender.test>") -> None:
        """Up to and with the 354."""
        self.ask(f"MAIL FROM:{sender}", 250)
        for recipient in recipients or ("alice@example.test",):
            self.ask(f"RCPT TO:<{recipient}>", 250)
        self.ask("DATA", 354)

    def closed(self) -> bool:
        """Whether the server has hung up, with nothing more to say."""
        try:
            return self._input == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def starttls(self) -> None:
        self.ask("STARTTLS", "220 2.0.0")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def content_of(stored: bytes) -> bytes:
    """What the sender sent: the file without our three trace fields."""
    for name in (b"Return-Path:", b"Delivered-To:", b"Received:"):
        assert stored.startswith(name), stored[:200]
        stored = re.sub(rb"\A[^\r]*\r\n(?:[ \t][^\r]*\r\n)*", b"", stored, count=1)
    return stored
