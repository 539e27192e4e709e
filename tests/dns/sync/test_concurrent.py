"""Runs at the same time: in any order the zone ends as it should, with every record once."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from dns import sync
from dns.cloudflare.zones import Zones
from dns.inventory import load
from tests.dns.example import ROOT, WANTED, values
from tests.lab.cloudflare import StandIn


def test_two_processes_at_once_make_every_record_once(cloudflare: StandIn, inventory: Path) -> None:
    command = (sys.executable, "-m", "dns.sync", "example.test", "--inventory", str(inventory), "--wait", "0")
    running = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], outputs
    assert len(cloudflare.records("example.test")) == len(WANTED)
    assert values(cloudflare) == WANTED


def test_runs_that_read_the_same_and_write_at_the_same_moment_all_succeed(
    cloudflare: StandIn, inventory: Path
) -> None:
    zones = [Zones() for _ in range(4)]
    read = load(inventory)
    plans = [sync.prepare(read, "example.test", {}, zones=each) for each in zones]
    together = threading.Barrier(len(plans))
    failures: list[BaseException] = []

    def write(number: int) -> None:
        together.wait(30)
        try:
            sync.apply(plans[number], zones=zones[number])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(len(plans))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(cloudflare.records("example.test")) == len(WANTED)
    assert values(cloudflare) == WANTED
