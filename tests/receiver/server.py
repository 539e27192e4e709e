"""A receiver in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.receiver.processes import DEADLINE, ROOT, ended, environment, wait_until
from tests.receiver.wire import Client

DOMAINS = """
[domains."example.test"]
mailboxes = ["alice", "bob"]
aliases = { team = ["alice", "bob"], sales = ["bob"] }

[domains."xn--bcher-kva.example"]
mailboxes = ["carol"]
catch_all = "carol"
"""


LONG = 30
"""Seconds for the checks of a message that are to come to an end. A test's nameserver may be slow."""


@dataclass
class Server:
    """A running `letterbox serve`."""

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
        """The process id of the writer, which stores small messages. It is forked first."""
        return self.children()[0]

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        return self.children()[1:]

    def kill(self) -> None:
        """Send SIGKILL to the server alone. Return when its children have ended, too."""
        left = self.children()
        self.stop(signal.SIGKILL)
        wait_until(lambda: all(map(ended, left)), "its children have ended")

    @property
    def log(self) -> str:
        """The whole lines so far. A thread writes the log, so a line may come after the reply it is about."""
        octets = (self.folder / "log").read_bytes()
        return octets[: octets.rfind(b"\n") + 1].decode()

    def log_to_the_end(self) -> str:
        """Stop the server and return its whole log. Needed to show that the log lacks a line."""
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
        """Wait until `number` lines of the log have this beginning."""
        wait_until(lambda: f"\n{self.log}".count(f"\n{beginning}") >= number, f"{number} of {beginning!r}")

    def peak_memory(self) -> int:
        """The peak of resident memory in octets."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024  # type: ignore[index]

    def cpu_seconds(self) -> float:
        """The CPU time used so far. Unlike elapsed time, it hardly depends on how busy the machine is."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime

    def messages(self, mailbox: str = "alice@example.test", part: str = "new") -> list[bytes]:
        local, _, domain = mailbox.partition("@")
        folder = self.mail / domain / local / part
        return [path.read_bytes() for path in sorted(folder.iterdir())] if folder.is_dir() else []

    def wait_for_empty_tmp(self, mailbox: str = "alice@example.test") -> None:
        """Wait until a thread has removed the files of messages that were cut off."""
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
    resolver: Path | None = None,
    deadline: int = LONG,
    spam_filter: Path | None = None,
    refuses_spam: bool = False,
    hooks: str = "",
) -> str:
    """The text of a letterbox.toml. With `resolver` the senders are checked, with `spam_filter` all mail.

    `hooks` are its tables [hooks.NAME].
    """
    text = f'hostname = "{hostname}"\nmail = "{mail}"\naddresses = ["127.0.0.1"]\nproofs = "{proofs}"\n'
    text += f'heartbeat = "{proofs.with_name("hb")}"\n'
    if workers > 1:
        text += f"workers = {workers}\n"
    if log_headers:
        text += "log_headers = true\n"
    if resolver:
        text += f'[checks]\nresolver = "{resolver}"\ndeadline = {deadline}\nnames = ["mx2.example.test"]\n'
    if spam_filter:
        text += f'[spam_filter]\nsocket = "{spam_filter}"\nrefuses = {str(refuses_spam).lower()}\n'
    if certificate:
        text += f'[tls]\ncertificate = "{certificate[0]}"\nkey = "{certificate[1]}"\n'
    text += "[limits]\n" + "".join(f"{key} = {value}\n" for key, value in (limits or {}).items())
    return text + domains + hooks


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
    resolver: Path | None = None,
    deadline: int = LONG,
    spam_filter: Path | None = None,
    refuses_spam: bool = False,
    hooks: str = "",
    program: Sequence[str] = ("-m", "receiver"),
    variables: Mapping[str, str] | None = None,
) -> Server:
    """Start `letterbox serve` with a configuration on a free port, and wait until it listens.

    `variables` are added to its environment. `resolver` and `spam_filter` are paths of sockets.
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
        resolver,
        deadline,
        spam_filter,
        refuses_spam,
        hooks,
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
