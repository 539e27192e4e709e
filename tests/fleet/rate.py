"""How much mail a second two MX take under the bucket's promise, beside the engine's own rate.

Both run on this machine, engine and all, so the processes of the MX and the senders take their CPU from the
engine. On hosts of their own the share is higher.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from obstore.store import S3Store

from tests.fleet.engine.ceph import Ceph
from tests.fleet.engine.cluster import BUCKET
from tests.fleet.fleet import Fleet
from tests.fleet.ledger import Ledger
from tests.fleet.senders import Senders
from tests.receiver.processes import ROOT

SENDERS = (1, 20, 200)
SIZE = 10_240  # octets
SECONDS = 8.0


def figures(engine: Ceph, folder: Path, seed: int, say: Callable[[str], None]) -> list[str]:
    """A line for each number of senders, and one about memory."""
    lines = []
    with Fleet(engine, folder / "rate", seed) as fleet:
        for number in SENDERS:
            own = _own_rate(engine, number)
            ours, acknowledged = _our_rate(fleet, number, seed)
            lines.append(
                f"{number} senders of {SIZE} octets: {acknowledged:.0f} messages a second, {ours:.0f} copies;"
                f" the engine alone, {number} writers: {own:.0f} PUTs; {ours / own:.2f} of it"
            )
            say(lines[-1])
        receiver, bucket = (
            max(each) >> 20 for each in zip(*(mx.peak_memory() for mx in fleet.mx), strict=True)
        )
        lines.append(f"peak of memory at an MX: receiver {receiver} MiB, bucket process {bucket} MiB")
        say(lines[-1])
    return lines


def _our_rate(fleet: Fleet, number: int, seed: int) -> tuple[float, float]:
    """Copies and messages a second. Every message has one, two or three copies."""
    ledger = Ledger()
    fleet.ledgers.append(ledger)
    with Senders([each.port for each in fleet.mx], ledger, number, seed + number, sizes=(SIZE,)):
        time.sleep(1)  # until all are connected
        start = len(ledger.acknowledged)
        time.sleep(SECONDS)
        boxes = list(ledger.acknowledged.values())[start:]
    return sum(map(len, boxes)) / SECONDS, len(boxes) / SECONDS


def _own_rate(engine: Ceph, number: int) -> float:
    """PUTs a second of objects as large, by as many writers, with the same client and the same condition."""
    given = {"urls": engine.urls, "key": engine.key, "region": engine.region, "writers": number}
    done = subprocess.run(
        [*engine.enter(1), sys.executable, "-m", __spec__.name, json.dumps(given)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout)


async def _write(urls: list[str], key: tuple[str, str], region: str, writers: int) -> float:
    stores = [
        S3Store(
            BUCKET, endpoint=url.rpartition("/")[0], region=region, access_key_id=key[0],
            secret_access_key=key[1], virtual_hosted_style_request=False,
            client_options={"allow_http": True, "timeout": "30s"},
        )
        for url in urls
    ]  # fmt: skip
    numbers, run, octets = count(), os.urandom(8).hex(), b"x" * SIZE
    finished: list[float] = []
    until = time.monotonic() + 1 + SECONDS

    async def write(at: int) -> None:
        while time.monotonic() < until:
            name = f".letterbox/rate/{run}/{next(numbers)}"
            await stores[at % len(stores)].put_async(name, octets, mode="create", use_multipart=False)
            finished.append(time.monotonic())

    await asyncio.gather(*(write(at) for at in range(writers)))
    return sum(until - SECONDS <= each < until for each in finished) / SECONDS


if __name__ == "__main__":
    print(asyncio.run(_write(**json.loads(sys.argv[1]))))
