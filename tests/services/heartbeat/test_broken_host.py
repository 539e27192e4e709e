"""A deployed host with a heartbeat, and each part broken: the switch is told, and nothing is left behind."""

from __future__ import annotations

import re

import pytest

from provision.host import layout
from tests.deploys import Run
from tests.lab.lab import Lab
from tests.receiver.certificates import sign_certificate
from tests.services.heartbeat.host import BOX, beat, link
from tests.services.heartbeat.switch_server import SwitchServer
from tests.waiting import wait_until

_SOCKET = f"{layout.UNIT_FOLDER}/{layout.SOCKET_UNIT}"
_STOP = f"systemctl stop {layout.SOCKET_UNIT} {layout.SERVICE_UNIT}"
_START = f"systemctl start {layout.SOCKET_UNIT} {layout.SERVICE_UNIT}"
_OLD = f"{layout.QUEUES}/archive/pending/1700000000.M1P1Q1R1.mx1.example.test.0123abcd"
_BLOCK = (
    "nft add table inet heartbeat; "
    "nft 'add chain inet heartbeat input { type filter hook input priority -300; }'; "
    "nft add rule inet heartbeat input ip daddr {0} tcp dport 25 drop"
)


@pytest.mark.parametrize(
    ("broken", "mended", "words"),
    [
        (
            f"mv {_SOCKET} /root/ && ln -s /dev/null {_SOCKET} && systemctl daemon-reload; {_STOP}",
            f"mv -f /root/{layout.SOCKET_UNIT} {_SOCKET} && systemctl daemon-reload; {_START}",
            r"port 25 of [\d.]+: a test message is not taken: \[Errno 111\] Connection refused",
        ),
        (
            f"mount -t tmpfs -o size=1m,mode=700,uid={layout.USER},gid={layout.USER} full {layout.MAIL} && "
            f"runuser -u {layout.USER} -- mkdir -p {BOX}/new {BOX}/tmp {BOX}/cur && "
            f"systemctl restart {layout.SERVICE_UNIT}",
            f"{_STOP}; umount -l {layout.MAIL}; {_START}",
            r"disk: the file system of \S+ has 1(\.0)? MB left, and needs",
        ),
        (
            f"{_STOP}; mount --bind {layout.MAIL} {layout.MAIL} && mount -o remount,bind,ro {layout.MAIL}; "
            f"{_START}",
            f"{_STOP}; umount -l {layout.MAIL}; {_START}",
            r"(port 25 of [\d.]+: a test message is not taken: |disk: .* read-only)",
        ),
        (
            f"systemctl stop letterbox-hook-archive; runuser -u {layout.USER} -- touch {_OLD}",
            f"rm {_OLD}; systemctl start letterbox-hook-archive",
            r"hooks: archive: 1 wait, the oldest for \d+\.\d h",
        ),
        (
            _BLOCK,
            "nft delete table inet heartbeat",
            r"port 25 of [\d.]+: a test message is not taken: timed out",
        ),
    ],
    ids=["stopped and masked", "full", "read-only", "hook behind", "blocked"],
)
def test_what_is_broken_is_told_as_a_failure(
    deployed: Lab, switch: SwitchServer, beating: Run, broken: str, mended: str, words: str
) -> None:
    deployed.target.run(broken.replace("{0}", deployed.target.ipv4))
    try:
        report = beat(deployed, switch)
        found = link(deployed) if "timed out" in words else None  # before it, the doctor sees no broken link
    finally:
        deployed.target.run(mended)
    assert report.startswith("failure\n"), report
    assert re.search(rf"^(NOT WELL|UNKNOWN) {words}", report, re.MULTILINE), report
    if found is not None:
        assert (found["holds"], "timed out" in found["evidence"]) == (False, True)


@pytest.mark.parametrize(("begun", "left", "words"), [(80, 10, "which is in "), (90, -1, "expired on ")])
def test_a_certificate_that_ends_is_told(
    deployed: Lab, switch: SwitchServer, beating: Run, begun: float, left: float, words: str
) -> None:
    pem = sign_certificate(deployed.target.read(layout.KEY), deployed.target.hostname, begun=begun, left=left)
    own = f"{layout.KEY_IN_USE}/certificate.pem"
    before = deployed.target.read(own)
    deployed.target.write(own, pem)
    reports: list[str] = []
    try:  # The receiver looks for other files once a second.
        wait_until(lambda: reports.append(beat(deployed, switch)) or words in reports[-1], lambda: reports)
    finally:
        deployed.target.write(own, before)
    assert reports[-1].startswith("failure\nNOT WELL certificate: ")


def test_when_all_is_mended_it_is_well_again(deployed: Lab, switch: SwitchServer, beating: Run) -> None:
    wait_until(lambda: beat(deployed, switch).startswith("ok "), "all is mended")
