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


def ended(process: int) -> bool:
    """Whether it is gone, or waits for nothing but its parent; its threads too, which hold its files."""
    try:
        stats = [each.read_text() for each in Path(f"/proc/{process}/task").glob("*/stat")]
    except (FileNotFoundError, ProcessLookupError):
        return False  # one of them went just now: look again
    return all(stat.rpartition(")")[2].split()[0] in "ZX" for stat in stats)


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def mail(self) -> Path:
        return self.folder / "mail"

    def children(self) -> list[int]:
        """The process ids of its children, the oldest first."""
        pid = self.process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def writer(self) -> int:
        """The process id of what stores small messages: it is forked first."""
        return self.children()[0]

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        return self.children()[1:]

    def kill(self) -> None:
        """SIGKILL to it alone; return when all that it had started has ended, too."""
        left = self.children()
        self.stop(signal.SIGKILL)
        wait_until(lambda: all(map(ended, left)), "its children have ended")

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

    def wait_for_lines(self, beginning: str, number: int) -> None:
        """Until the log has so many that begin like that."""
        wait_until(lambda: f"\n{self.log}".count(f"\n{beginning}") >= number, f"{number} of {beginning!r}")

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


def configuration(
    mail: Path,
    proofs: Path,
    certificate: tuple[Path, Path] | None = None,
    limits: Mapping[str, int] | None = None,
    domains: str = DOMAINS,
    workers: int = 1,
    log_headers: bool = False,
    hostname: str = "mx.example.test",
) -> str:
    """The text of a letterbox.toml."""
    text = f'hostname = "{hostname}"\nmail = "{mail}"\naddresses = ["127.0.0.1"]\nproofs = "{proofs}"\n'
    if workers > 1:
        text += f"workers = {workers}\n"
    if log_headers:
        text += "log_headers = true\n"
    if certificate:
        text += f'[tls]\ncertificate = "{certificate[0]}"\nkey = "{certificate[1]}"\n'
    return (
        text + "[limits]\n" + "".join(f"{key} = {value}\n" for key, value in (limits or {}).items()) + domains
    )


def start_server(
    folder: Path,
    *,
    certificate: tuple[Path, Path] | None = None,
    limits: Mapping[str, int] | None = None,
    workers: int = 1,
    mail: Path | None = None,
    domains: str = DOMAINS,
    log_headers: bool = False,
    hostname: str = "mx.example.test",
    program: Sequence[str] = ("-m", "receiver"),
    variables: Mapping[str, str] | None = None,
) -> Server:
    """`letterbox serve` with a configuration, on a port of the system's choice, ready to be spoken to.

    `variables` are added to its environment.
    """
    config = folder / "letterbox.toml"
    text = configuration(
        mail or folder / "mail",
        folder / "proofs",
        certificate,
        limits,
        domains,
        workers,
        log_headers,
        hostname,
    )
    config.write_text(text)
    log = (folder / "log").open("wb")
    command = [sys.executable, *program, "serve", "--config", str(config), "--listen", "127.0.0.1:0"]
    variables = environment() | dict(variables or {})
    process = subprocess.Popen(command, cwd=ROOT, stderr=log, stdout=log, env=variables)
    server = Server(process, 0, folder)
    server.port = int(server.wait_for_log(r"event=listening address=127.0.0.1:(\d+)")[1])
    server.wait_for_lines("event=listening", workers)
    return server


def environment() -> dict[str, str]:
    """Ours, without what a service manager said to us."""
    return {key: value for key, value in os.environ.items() if key not in ("NOTIFY_SOCKET", "LISTEN_FDS")}


class Client:
    """A blocking SMTP client that sends raw octets; `source` is the loopback address that it comes from."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), DEADLINE, (source, 0))
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
