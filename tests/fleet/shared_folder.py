"""The mail folder on a file system that two hosts share: CephFS, under receivers that know nothing of it.

`python -m tests.fleet shared` runs it. Here a message can be twice in a mailbox, because a sender that
never saw the answer offers it again, and no key says that it is there. So this is judged by 0 lost and 0
broken.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.fleet.engine import files
from tests.fleet.engine.ceph import Ceph
from tests.fleet.engine.cluster import IMAGE, wait
from tests.fleet.fleet import Row
from tests.fleet.judge import Verdict, copies_in, judge
from tests.fleet.ledger import Ledger
from tests.fleet.mx import Mx
from tests.fleet.senders import Senders


@dataclass
class Mount:
    """CephFS at a folder of this machine, by the image's ceph-fuse."""

    engine: Ceph
    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def mount(self) -> None:
        """Mount it. ceph-fuse gives up while no metadata server is active, so it is started again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        wait(self._is_mounted, "ceph-fuse has mounted", 60)

    def _is_mounted(self) -> bool:
        if os.path.ismount(self.folder):
            return True
        if not self.process or self.process.poll() is not None:
            self._start()
        return False

    def _start(self) -> None:
        node = self.engine.nodes[0].folder / "upper" / "etc/ceph"
        libraries = IMAGE.root / "usr/lib/x86_64-linux-gnu"
        with self.folder.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    # It is of another Debian than this machine, so it gets its own loader and libraries.
                    libraries / "ld-linux-x86-64.so.2",
                    *(
                        "--library-path",
                        f"{libraries}:{libraries / 'ceph'}",
                        IMAGE.root / "usr/bin/ceph-fuse",
                    ),
                    *("-f", "--id", "admin", "--conf", node / "ceph.conf"),
                    *("--keyring", node / "all.keyring", "--log-file", "", self.folder),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def lose(self) -> None:
        """Kill it, as the host's end does. The cluster waits for it until its session has timed out."""
        if self.process:
            self.process.kill()
            self.process.wait()
        subprocess.run(["umount", "--lazy", self.folder], capture_output=True, check=False)
        self.process = None

    def close(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        self.lose()


def run(engine: Ceph, folder: Path, seed: int, *, kills: int = 8, show: Callable[[Row], None]) -> list[Row]:
    """Two receivers on two mounts. Kills of the receivers, of a whole host, and of a node of the engine."""
    engine.nodes[0].run(files.FILE_SYSTEM)
    for number, node in enumerate(engine.nodes, 1):
        node.run(files.file_system_commands(number))
    chance, rows = random.Random(seed), []
    mounts = [Mount(engine, folder / f"fs{number}") for number in (1, 2)]
    mx = [
        Mx(folder / f"plain{number}", number, (), ("", ""), shared=each.folder / "mail")
        for number, each in enumerate(mounts, 1)
    ]

    def pause(most: float) -> None:
        time.sleep(chance.uniform(0, most))

    def kill_receiver(number: int) -> None:
        pause(2)
        mx[number % 2].kill_receiver()
        pause(1)
        mx[number % 2].start()

    def lose_host(number: int) -> None:
        pause(2)
        mx[number % 2].kill_receiver()
        mounts[number % 2].lose()
        pause(1)
        mounts[number % 2].mount()
        mx[number % 2].start()

    def kill_node(number: int) -> None:
        pause(2)
        engine.kill(number % len(engine.nodes))
        pause(6)
        engine.boot(number % len(engine.nodes))

    few = max(1, kills // 4)
    try:
        for mount in mounts:
            mount.mount()
        for each in mx:
            each.start()
        for name, act, rounds in (
            ("CephFS: kill -9 of a receiver", kill_receiver, kills),
            ("CephFS: a host lost, its mount with it", lose_host, few),
            ("CephFS: kill -9 of an engine node", kill_node, few),
        ):
            rows.append(_trial(name, act, rounds, seed * 10 + len(rows), mx, mounts))
            show(rows[-1])
    finally:
        for each in mx:
            each.kill()
        for mount in mounts:
            mount.close()
    return rows


def _trial(
    name: str, act: Callable[[int], None], rounds: int, seed: int, mx: list[Mx], mounts: list[Mount]
) -> Row:
    ledger = Ledger()
    ports = [each.port for each in mx]
    with Senders(ports, ledger, 6, seed, think=0.05, patience=120):
        ledger.wait_for_more(ports)
        started = time.monotonic()
        for number in range(rounds):
            act(number)
            ledger.wait_for_more(ports)
        ended = time.monotonic()
    return _row(name, rounds, ledger, ledger.pause_since(started, ended), mounts)


def _row(name: str, rounds: int, ledger: Ledger, pause: float, mounts: list[Mount]) -> Row:
    """Both hosts must see the same mailboxes, and each acknowledged message in them."""
    seen = [Counter(copies_in(each.folder / "mail", {}).values()) for each in mounts]
    verdict = judge(seen[0], ledger)
    ours = {copy for copy in seen[0] if copy[1] in ledger.offered}
    whole = frozenset(copy for copy in verdict.broken if copy[1].startswith("not whole"))
    wrong = [*dict.fromkeys(ledger.wrong)]
    if seen[0] != seen[1]:
        wrong.append("the two hosts see different mailboxes")
    return Row(
        name, rounds, len(ledger.acknowledged), sum(map(len, ledger.acknowledged.values())),
        Verdict(verdict.lost, frozenset(copy for copy in verdict.twice if copy in ours), whole),
        ledger.unknown.total(), ledger.slowest, pause, ledger.summary, wrong, once=False,
    )  # fmt: skip
