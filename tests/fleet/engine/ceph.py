"""What can be done to a running engine: kill a node, hang its parts, take the key, set its clocks wrong."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.store import S3Store

from tests.fleet.engine import cluster
from tests.fleet.engine.cluster import BUCKET, FOLDER, KEY_ID, SECRET, Cluster
from tests.fleet.engine.files import GATEWAY_PORT
from tests.fleet.engine.wire import Wire
from tests.lab.machines import container
from tests.lab.machines.machine import Machine

REGION = "us-east-1"
_CLOCK = """\
[Service]
Environment=LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1
Environment="FAKETIME=+1h" FAKETIME_DONT_FAKE_MONOTONIC=1
MemoryDenyWriteExecute=false
"""
_UNIT = "/run/systemd/system/ceph-radosgw@.service.d/clock.conf"


@dataclass(frozen=True, slots=True)
class Ceph:
    """A running cluster. Nodes have numbers from 0."""

    lab: Cluster
    key: tuple[str, str] = (KEY_ID, SECRET)
    region: str = REGION

    @property
    def urls(self) -> list[str]:
        return self.lab.urls

    @property
    def nodes(self) -> tuple[Machine, ...]:
        return self.lab.machines

    def wire(self, mx: int) -> Wire:
        return Wire(self.lab, mx)

    def enter(self, number: int) -> Sequence[str]:
        """The beginning of a command that is to run on the wire of that MX."""
        return self.wire(number).enter

    def store(self, node: int = 0) -> S3Store:
        """A client of the bucket at that node's gateway."""
        endpoint = self.urls[node].rpartition("/")[0]
        return S3Store(
            BUCKET, endpoint=endpoint, access_key_id=KEY_ID, secret_access_key=SECRET, region=REGION,
            virtual_hosted_style_request=False, client_options={"allow_http": True, "timeout": "20s"},
        )  # fmt: skip

    def kill(self, node: int) -> None:
        """Kill all processes of a node at once, as a power cut does. Its disk stays."""
        container.stop(self.nodes[node])

    def boot(self, node: int) -> None:
        """Boot a killed node, and wait until the cluster is whole."""
        cluster.start(self.lab, self.nodes[node])
        container.wait_until_booted(self.nodes[node])
        self.wait_until_whole()

    def wait_until_whole(self) -> None:
        """Wait until all monitors agree, all OSDs are up, and each gateway answers a listing."""
        cluster.wait(self._is_whole, "all monitors, OSDs and gateways are there")

    def _is_whole(self) -> bool:
        asked = self.nodes[0].run("timeout 10 ceph status --format json", check=False)
        if asked.returncode:
            return False
        status = json.loads(asked.stdout)
        if len(status["quorum"]) < len(self.nodes) or status["osdmap"]["num_up_osds"] < len(self.nodes):
            return False
        return all(_answers(f"http://{each.ipv4}:{GATEWAY_PORT}/") for each in self.nodes)

    @contextmanager
    def gateway_hung(self, node: int) -> Iterator[None]:
        """Stop a gateway (SIGSTOP): it takes connections, and answers nothing."""
        with self._stopped({node: "ceph-radosgw@*"}):
            yield

    @contextmanager
    def majority_hung(self) -> Iterator[None]:
        """Stop two of the three OSDs."""
        with self._stopped({1: "ceph-osd@*", 2: "ceph-osd@*"}):
            yield

    @contextmanager
    def _stopped(self, units: dict[int, str]) -> Iterator[None]:
        try:
            for node, unit in units.items():
                self.nodes[node].run(f"systemctl kill --signal=STOP '{unit}'")
            yield
        finally:
            for node, unit in units.items():
                self.nodes[node].run(f"systemctl kill --signal=CONT '{unit}'")
            self.wait_until_whole()

    @contextmanager
    def key_taken_back(self) -> Iterator[None]:
        cluster.take_key(self.nodes[0])
        try:
            yield
        finally:
            cluster.give_key(self.nodes[0])

    @contextmanager
    def clocks_wrong(self) -> Iterator[None]:
        """Let the clocks of all gateways be an hour ahead. S3 takes what is within 15 minutes of its own."""
        try:
            for node in self.nodes:
                node.write(_UNIT, _CLOCK)
                node.run("systemctl daemon-reload && systemctl restart 'ceph-radosgw@*'")
            yield
        finally:
            for node in self.nodes:
                node.run(f"rm -f {_UNIT}")
                node.run("systemctl daemon-reload && systemctl restart 'ceph-radosgw@*'")
            self.wait_until_whole()


@contextmanager
def running(folder: Path = FOLDER, *, mx: int = 2) -> Iterator[Ceph]:
    """A new engine with an empty bucket and the wires of that many MX. Raises LabError."""
    wires: list[Wire] = []
    with cluster.running(folder) as lab:
        try:
            wires = [Wire(lab, number) for number in range(1, mx + 1)]
            for each in wires:
                each.remove()
                each.lay()
            engine = Ceph(lab)
            cluster.wait(lambda: _makes_bucket(engine), "a bucket can be made")
            engine.wait_until_whole()
            yield engine
        finally:
            for each in wires:
                each.remove()


def _makes_bucket(engine: Ceph) -> bool:
    # obstore makes no buckets, but it signs any request. RGW takes PUT of the bucket's name for CreateBucket.
    url = obstore.sign(engine.store(), "PUT", "", timedelta(minutes=5))
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=30):
            return True
    except OSError:
        return False


def _answers(url: str) -> bool:
    """Whether it answers at all: to a listing without a name, a gateway answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False
