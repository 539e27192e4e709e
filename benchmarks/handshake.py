"""What session tickets cost a receiver: `python -m benchmarks.handshake`.

It does TLS 1.3 handshakes in memory, with our kind of key, and takes the CPU time of the server's side alone:
a full handshake with no ticket, one and two, and one that resumes a session. The kinds take turns.
"""

from __future__ import annotations

import argparse
import ssl
import statistics
import tempfile
import time
from pathlib import Path

from tests.receiver.certificates import make_certificate

TICKETS = (0, 1, 2)


def server(folder: Path, tickets: int) -> ssl.SSLContext:
    """The context of a server that gives so many tickets after each handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    context.num_tickets = tickets
    return context


def client() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def handshake(
    ours: ssl.SSLContext, theirs: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> tuple[float, ssl.SSLObject]:
    """The server's CPU time in seconds, and the client's end, which has read the tickets."""
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = ours.wrap_bio(inward, outward, server_side=True)
    there = theirs.wrap_bio(outward, inward, session=session)
    seconds = 0.0
    left = [there, here]
    while left:
        for end in list(left):
            began = time.thread_time()
            try:
                end.do_handshake()
                left.remove(end)
            except ssl.SSLWantReadError:
                pass
            seconds += (time.thread_time() - began) * (end is here)
    began = time.thread_time()
    here.write(b"220\r\n")
    seconds += time.thread_time() - began
    there.read(5)
    return seconds, there


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.handshake", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1500, help="handshakes of each kind (1500)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        make_certificate(Path(name), "mx.example.test")
        servers = {tickets: server(Path(name), tickets) for tickets in TICKETS}
    theirs = client()
    full: dict[int, list[float]] = {tickets: [] for tickets in TICKETS}
    resumed: list[float] = []
    for _ in range(rounds):
        for tickets, ours in servers.items():
            seconds, there = handshake(ours, theirs)
            full[tickets].append(seconds)
        seconds, again = handshake(servers[2], theirs, there.session)
        if not again.session_reused:
            raise SystemExit("benchmarks.handshake: a session with a ticket was not resumed")
        resumed.append(seconds)
    print(
        f"CPU of the server a handshake, {ssl.OPENSSL_VERSION}, median of {rounds} (10th to 90th percentile):"
    )
    for tickets, taken in full.items():
        print(f"  full, {tickets} tickets     {show(taken)}")
    print(f"  resumed, 2 tickets  {show(resumed)}")


def show(taken: list[float]) -> str:
    tenths = statistics.quantiles(taken, n=10)
    return f"{statistics.median(taken) * 1e6:6.0f} us   ({tenths[0] * 1e6:.0f} to {tenths[-1] * 1e6:.0f})"


if __name__ == "__main__":
    main()
