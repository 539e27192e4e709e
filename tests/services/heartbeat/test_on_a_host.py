"""The heartbeat on a deployed host: what the switch gets if all is well, and with each part broken."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provision.host import layout
from tests.deploys import Run, deploy
from tests.lab.lab import DOMAIN, Lab
from tests.lab.network import CONTROL
from tests.receiver.certificates import sign_certificate
from tests.services.heartbeat.switch_server import CHECK, SwitchServer, switch_server
from tests.tls.certified import TRUSTED
from tests.waiting import wait_until

UNIT = layout.HEARTBEAT_SERVICE
STEP = "Heartbeat, if wanted"
BOX = f"{layout.MAIL}/{DOMAIN}/.heartbeat"
ON_FAILURE_AT_RESTARTS = 254  # the version of systemd


@pytest.fixture(scope="module")
def switch(deployed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwitchServer]:
    """A switch in the lab's world, which the host trusts because its administrator said so."""
    address = deployed.network.address4(CONTROL)
    with switch_server(tmp_path_factory.mktemp("switch"), address) as running:
        deployed.target.write(TRUSTED, running.certificate)  # the target has no other authorities
        yield running
        deployed.target.run(f"rm {TRUSTED}")


@pytest.fixture(scope="module")
def wanting(deployed: Lab, switch: SwitchServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inventory of a host that wants a heartbeat."""
    path = tmp_path_factory.mktemp("wanting") / "inventory.py"
    given = f'"heartbeat": "{switch.url}{CHECK}", "mx_preference"'
    path.write_text(deployed.inventory.read_text().replace('"mx_preference"', given))
    return path


@pytest.fixture(scope="module")
def beating(deployed: Lab, switch: SwitchServer, wanting: Path) -> Iterator[Run]:
    """The deploy after which the host has a heartbeat. It is taken back at the end."""
    dry = deploy(deployed, "--dry", "-v", inventory=wanting)
    assert (dry.code, CHECK in dry.stdout + dry.stderr, switch.got) == (0, False, [])
    yield deploy(deployed, "-y", "--json", inventory=wanting)
    run = deploy(deployed, "-y", "--json")
    assert (run.code, STEP in run.changed()) == (0, True), run.stderr
    assert remains(deployed) == ""
    assert deploy(deployed, "-y", "--json").changed() == []


def remains(lab: Lab) -> str:
    """What of the heartbeat is on the host."""
    return lab.target.run(
        f"getent passwd {layout.HEARTBEAT_USER}; ls -d {layout.HEARTBEAT_STATE} {layout.HEARTBEAT_PROGRAM} "
        f"{layout.HEARTBEAT_ADDRESS}* {BOX} {layout.UNIT_FOLDER}/letterbox-heartbeat* "
        "/run/letterbox-heartbeat* 2>/dev/null; "
        "systemctl list-units --all --no-legend 'letterbox-heartbeat*'; "
        f"grep OnFailure {layout.UNIT_FOLDER}/{layout.SERVICE_UNIT}",
        check=False,
    ).stdout


def beat(lab: Lab, switch: SwitchServer) -> str:
    """Let it run once, and return the report that the switch got."""
    switch.got.clear()
    lab.target.run(f"systemctl start {UNIT}", check=False)
    assert switch.got, lab.target.run(f"journalctl -u {UNIT} -n 5 -o cat --no-pager").stdout
    assert left_behind(lab) == ""
    return ("failure\n" if switch.last.path == f"{CHECK}/fail" else "") + switch.last.body


def left_behind(lab: Lab) -> str:
    return lab.target.run(f"find {BOX}/new {BOX}/cur -type f", check=False).stdout


def link(lab: Lab) -> Any:
    said = lab.target.run(f"{layout.COMMAND} doctor --json", check=False).stdout.splitlines()
    found = [each for each in map(json.loads, said) if each["link"] == "heartbeat"]
    assert found, said
    return found[0]


def test_a_deploy_brings_it_and_the_first_ping_comes_at_once(
    deployed: Lab, switch: SwitchServer, beating: Run, wanting: Path
) -> None:
    assert beating.code == 0, beating.stderr
    assert STEP in beating.changed()
    assert CHECK not in beating.stdout + beating.stderr
    assert switch.got[0].path == CHECK, switch.got[0].body
    again = deploy(deployed, "-y", "--json", inventory=wanting)
    assert (again.code, again.changed()) == (0, []), again.stderr


def test_the_ping_names_every_address_of_the_host_and_what_was_found(
    deployed: Lab, switch: SwitchServer, beating: Run
) -> None:
    lines = beat(deployed, switch).splitlines()
    assert all(line.startswith("ok ") for line in lines), lines
    for address in (deployed.target.ipv4, deployed.target.ipv6):
        (line,) = (each for each in lines if each.startswith(f"ok port 25 of {address}: "))
        assert re.search(r"taken in \d+ ms, TLSv1.3, was a file of \d+ octets, and was removed$", line)
    assert any(re.match(r"ok disk: .* free$", line) for line in lines)
    assert any(re.match(r"ok certificate: valid until .* \(\d{4} days\)$", line) for line in lines)
    assert deployed.target.run("systemctl is-active letterbox-heartbeat.timer").stdout == "active\n"
    assert "letterbox-heartbeat.timer" in deployed.target.run("systemctl list-timers").stdout


def test_the_doctor_has_the_last_ping_and_the_last_reason(
    deployed: Lab, switch: SwitchServer, beating: Run
) -> None:
    beat(deployed, switch)
    found = link(deployed)
    assert found["holds"] is True, found
    assert re.match(r"last ping 20\d\d-.* UTC; ok disk: ", found["evidence"])


def test_the_address_is_in_no_file_and_no_log(deployed: Lab, beating: Run) -> None:
    secret = CHECK.rpartition("/")[2]
    everywhere = (
        f"grep -rlF {secret} /etc /opt /var/lib /run /var/log 2>/dev/null; "
        f"{{ journalctl -o cat; systemctl show 'letterbox-heartbeat*'; }} | grep -cF {secret}"
    )
    assert deployed.target.run(everywhere, check=False).stdout.split() == ["0"]


@contextmanager
def looking(lab: Lab) -> Iterator[str]:
    """A look that waits, and its process."""
    hold = (
        "import socket, time; s = socket.socket(socket.AF_UNIX); "
        "s.connect('/run/letterbox-heartbeat-look.socket'); s.recv(9999); time.sleep(100)"
    )
    lab.target.run(["systemd-run", "-q", "--unit=holds-look", "python3", "-c", hold])
    listed = "systemctl list-units --plain --no-legend 'letterbox-heartbeat-look@*.service'"
    try:
        units = wait_until(lambda: lab.target.run(listed).stdout.split(), "a look runs")
        yield lab.target.run(f"systemctl show -p MainPID --value {units[0]}").stdout.strip()
    finally:
        lab.target.run("systemctl stop holds-look")


def test_the_look_sees_the_test_messages_and_no_other_mail(deployed: Lab, beating: Run) -> None:
    deployed.target.run(f"runuser -u {layout.USER} -- mkdir -p {layout.MAIL}/{DOMAIN}/alice/new")
    with looking(deployed) as pid:
        root = f"/proc/{pid}/root"
        seen = deployed.target.run(f"find {root}{layout.STATE_FOLDER} | sed s,{root},,").stdout.split()
        assert sorted(seen) == sorted(
            [
                *(layout.STATE_FOLDER, layout.MAIL, f"{layout.MAIL}/{DOMAIN}", BOX),
                *(f"{BOX}/{part}" for part in ("cur", "new", "tmp")),
            ]
        )
        assert deployed.target.run(f"ls {root}/etc/letterbox/tls", check=False).stdout == ""
        links = deployed.target.run(f"nsenter -t {pid} -n ip -brief link").stdout.split()
        assert links[0] == "lo" and links.count("DOWN") == 1, "it has no network"
        assert deployed.target.run(f"stat -c %U /proc/{pid}").stdout.strip() == layout.USER


def test_its_units_are_boxed_in(deployed: Lab, beating: Run) -> None:
    target = deployed.target
    for unit, most in (
        (UNIT, 1.2),
        ("letterbox-heartbeat-failed@x.service", 1.2),
        ("letterbox-heartbeat-look@x.service", 0.6),
        (layout.SERVICE_UNIT, 0.4),
    ):
        said = target.run(f"systemd-analyze security --no-pager {unit}").stdout
        exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
        assert exposure and float(exposure[1]) <= most, (unit, said.splitlines()[-1])
    units = f"{UNIT} {layout.HEARTBEAT_TIMER} {layout.HEARTBEAT_LOOK_SOCKET}"
    assert target.run(f"systemd-analyze verify --man=no {units}").stderr == ""
    for path in (layout.KEY, layout.MAIL, layout.HEARTBEAT_ADDRESS):
        reading = ["runuser", "-u", layout.HEARTBEAT_USER, "--", "sh", "-c", f"cat {path} || ls {path}"]
        assert target.run(reading, check=False).returncode != 0, path


_STOP = f"systemctl stop {layout.SOCKET_UNIT} {layout.SERVICE_UNIT}"
_START = f"systemctl start {layout.SOCKET_UNIT} {layout.SERVICE_UNIT}"
_BLOCK = (
    "nft add table inet heartbeat; "
    "nft 'add chain inet heartbeat input { type filter hook input priority -300; }'; "
    "nft add rule inet heartbeat input ip daddr {0} tcp dport 25 drop"
)


@pytest.mark.parametrize(
    ("broken", "mended", "words"),
    [
        (_STOP, _START, r"port 25 of [\d.]+: a test message is not taken: \[Errno 111\] Connection refused"),
        (
            f"systemctl mask -q --now {layout.SOCKET_UNIT} {layout.SERVICE_UNIT}",
            f"systemctl unmask -q {layout.SOCKET_UNIT} {layout.SERVICE_UNIT}; {_START}",
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
            f"mv {BOX}/tmp {BOX}/kept; touch {BOX}/tmp",
            f"rm {BOX}/tmp; mv {BOX}/kept {BOX}/tmp",
            r"port 25 of [\d.]+: a test message is not taken: 451 4\.2\.1 ",
        ),
        (
            _BLOCK,
            "nft delete table inet heartbeat",
            r"port 25 of [\d.]+: a test message is not taken: timed out",
        ),
        (
            f"systemctl stop {layout.HEARTBEAT_LOOK_SOCKET}; systemctl mask -q --runtime "
            f"{layout.HEARTBEAT_LOOK_SOCKET}",
            f"systemctl unmask -q --runtime {layout.HEARTBEAT_LOOK_SOCKET}; "
            f"systemctl start {layout.HEARTBEAT_LOOK_SOCKET}",
            r"heartbeat-look: ",
        ),
    ],
    ids=["stopped", "masked", "full", "read-only", "deferred", "blocked", "no look"],
)
def test_what_is_broken_is_told_as_a_failure(
    deployed: Lab, switch: SwitchServer, beating: Run, broken: str, mended: str, words: str
) -> None:
    deployed.target.run(broken.replace("{0}", deployed.target.ipv4))
    try:
        report = beat(deployed, switch)
        if "timed out" in words:
            found = link(deployed)
            assert found["holds"] is False and "timed out" in found["evidence"]
    finally:
        deployed.target.run(mended)
    assert report.startswith("failure\n"), report
    assert re.search(rf"^(NOT WELL|UNKNOWN) {words}", report, re.MULTILINE), report
    assert beat(deployed, switch).startswith("ok "), "and when it is mended, all is well again"


@pytest.mark.parametrize(("begun", "left", "words"), [(80, 10, "which is in "), (90, -1, "expired on ")])
def test_a_certificate_that_ends_is_told(
    deployed: Lab, switch: SwitchServer, beating: Run, begun: float, left: float, words: str
) -> None:
    key = deployed.target.read(layout.KEY)
    pem = sign_certificate(key, deployed.target.hostname, begun=begun, left=left)
    own = f"{layout.KEY_IN_USE}/certificate.pem"
    before = deployed.target.read(own)
    deployed.target.write(own, pem)
    try:
        report = beat(deployed, switch)
    finally:
        deployed.target.write(own, before)
    assert report.startswith("failure\nNOT WELL certificate: ") and words in report, report


def test_a_switch_that_is_down_is_known_to_the_doctor(
    deployed: Lab, switch: SwitchServer, beating: Run
) -> None:
    switch.answer = "500"
    try:
        beat(deployed, switch)
        found = link(deployed)
    finally:
        switch.answer = "ok"
    assert found["holds"] is False
    assert "could not tell the switch: it answers HTTP 500" in found["evidence"]
    beat(deployed, switch)


def test_a_receiver_that_is_killed_is_told_at_once(deployed: Lab, switch: SwitchServer, beating: Run) -> None:
    """systemd starts the receiver again for ever. Since version 254, OnFailure= works all the same."""
    version = int(deployed.target.run("systemctl --version").stdout.split()[1])
    switch.got.clear()
    deployed.target.run(f"systemctl kill -s KILL --kill-whom=main {layout.SERVICE_UNIT}")
    if version < ON_FAILURE_AT_RESTARTS:
        wait_until(
            lambda: (
                deployed.target.run(f"systemctl is-active {layout.SERVICE_UNIT}", check=False).stdout
                == "active\n"
            ),
            "it runs again",
        )
        assert switch.got == []
        return
    wait_until(lambda: [got for got in switch.got if got.path == f"{CHECK}/fail"], "the failure is told")
    assert switch.last.body == "NOT WELL letterbox.service: it has failed (signal, KILL)\n"
    assert beat(deployed, switch).startswith("ok ")


def test_a_run_that_is_killed_leaves_nothing(deployed: Lab, switch: SwitchServer, beating: Run) -> None:
    received = f"journalctl -q -u {layout.SERVICE_UNIT} -o cat --no-pager | grep -c 'to=<heartbeat-'"
    before = int(deployed.target.run(received, check=False).stdout)
    deployed.target.run(f"systemctl start --no-block {UNIT}")
    wait_until(lambda: int(deployed.target.run(received, check=False).stdout) > before, "a message was taken")
    deployed.target.run(f"systemctl kill -s KILL {UNIT}", check=False)
    wait_until(lambda: left_behind(deployed) == "", "nothing is left")
    assert beat(deployed, switch).startswith("ok ")
