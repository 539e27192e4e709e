"""Counting at the host which connection attempts to port 25 reach it, before any firewall sees them.

A packet socket (packet(7)) sees what comes in from the wire before netfilter does. It ends with the process
that holds it. So no rule is added to the host, and none has to be removed. The process ends with its ssh
session, or by itself after two minutes.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dns.inventory import MailHost
from first_mail import ssh

_SCRIPT = r"""
import json, select, socket, sys, time
seen, peers, end = {"4": 0, "6": 0}, set(), time.monotonic() + 120
wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
wire.setblocking(False)
print("ready", flush=True)
def syn(tcp):
    return len(tcp) > 13 and tcp[2:4] == b"\x00\x19" and tcp[13] & 0x12 == 0x02
def note(version, tcp, family, sender):
    if syn(tcp):
        seen[version] += 1
        if len(peers) < 50:
            peers.add(socket.inet_ntop(family, sender))
def take():
    try:
        packet, (interface, protocol, kind, *_) = wire.recvfrom(128)
    except BlockingIOError:
        return False
    if kind != 4 and interface != "lo":
        if protocol == 0x0800 and len(packet) > 20 and packet[9] == 6:
            note("4", packet[(packet[0] & 15) * 4:], socket.AF_INET, packet[12:16])
        elif protocol == 0x86DD and len(packet) > 40 and packet[6] == 6:
            note("6", packet[40:], socket.AF_INET6, packet[8:24])
    return True
while time.monotonic() < end:
    ready, _, _ = select.select([wire, sys.stdin], [], [], 1)
    if sys.stdin in ready:
        break
    if wire in ready:
        take()
while take():
    pass
print(json.dumps({**seen, "peers": sorted(peers)}), flush=True)
"""
_STOP_SECONDS = 20


@dataclass(slots=True)
class Counter:
    """Connection attempts to port 25 that have reached the host, by IP version; complete after `stop`."""

    process: subprocess.Popen[str]
    attempts: dict[int, int] = field(default_factory=dict)
    peers: list[str] = field(default_factory=list)
    """The addresses that the attempts came from, 50 at most."""

    def stop(self) -> None:
        """End the counting. Raises HostUnreadable if the host does not tell what it has counted."""
        try:
            answer, _ = self.process.communicate("\n", timeout=_STOP_SECONDS)
            found = json.loads(answer)
            self.peers = found.pop("peers")
            self.attempts = {int(version): count for version, count in found.items()}
        except (subprocess.TimeoutExpired, ValueError, LookupError):
            raise ssh.HostUnreadable("the host did not tell what it has counted: run this again") from None


@contextmanager
def counting(host: MailHost) -> Iterator[Counter]:
    """Have the host count inside this context. Raises HostUnreadable with the host's own words."""
    with ssh.running(host, ["python3", "-Ic", _SCRIPT]) as process:
        assert process.stdout is not None and process.stderr is not None
        ssh.begun(host, process, "python3")
        if process.stdout.readline() != "ready\n":
            raise ssh.no_answer(host, "python3", process.wait(), process.stderr.read())
        yield Counter(process)
