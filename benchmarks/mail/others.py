"""Memory and fairness under special loads: idle connections, one huge message, NOOP beside big senders."""

from __future__ import annotations

import contextlib
import resource
import socket
import statistics
import subprocess
import time

from benchmarks.mail import client
from benchmarks.mail.load import Load, command, forget_mail, peak_memory, proportional_memory
from benchmarks.mail.receivers import Receiver
from tests.receiver.wire import Client

IDLE = 5000
HUGE = 25 << 20
_BIG = Load("four big senders", 4, 12, 25_000_000)


def idle_connections(receiver: Receiver, number: int = IDLE) -> tuple[int, int]:
    """The memory of the receiver in octets, before and with that many idle connections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    before = proportional_memory(receiver.pid)
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            each = stack.enter_context(socket.create_connection(("127.0.0.1", receiver.port), 30))
            if not each.recv(512).startswith(b"220"):
                raise OSError(f"{receiver.name} does not greet")
        return before, proportional_memory(receiver.pid)


def idle_tls_connections(receiver: Receiver, number: int = IDLE) -> tuple[int, int]:
    """The memory of the receiver in octets, before and with that many idle connections over STARTTLS."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    before = proportional_memory(receiver.pid)
    with subprocess.Popen(
        client.holding(receiver.port, number), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        if holder.stdout.readline() != "held\n":
            raise OSError(f"{receiver.name} does not take {number} connections over STARTTLS")
        with_them = proportional_memory(receiver.pid)
        holder.stdin.close()
    return before, with_them


def huge_message(receiver: Receiver) -> int:
    """The octets that one message of nearly 25 MiB adds to the peak memory of the receiver."""
    line = b"0123456789" * 7 + b"\r\n"
    content = b"Subject: huge\r\n\r\n" + line * (HUGE // len(line) - 100)
    with Client(receiver.port) as client:
        client.expect(220)
        client.ask("HELO client.test", 250)
        before = peak_memory(receiver.pid, reset=True)
        client.begin()
        client.send(content + b".\r\n")
        client.expect(250)
        after = peak_memory(receiver.pid)
    forget_mail(receiver)
    return after - before


def noop_beside_big_senders(receiver: Receiver) -> tuple[float, float]:
    """The median and 99th percentile of the time to reply to NOOP, while four senders send 25 MB messages."""
    took: list[float] = []
    with Client(receiver.port) as client:
        client.expect(220)
        client.ask("HELO client.test", 250)
        senders = subprocess.Popen(command(receiver.port, _BIG), stderr=subprocess.DEVNULL)
        while senders.poll() is None:
            began = time.perf_counter()
            client.ask("NOOP", 250)
            took.append(time.perf_counter() - began)
            time.sleep(0.002)
    forget_mail(receiver)
    return statistics.median(took), statistics.quantiles(took, n=100)[98]
