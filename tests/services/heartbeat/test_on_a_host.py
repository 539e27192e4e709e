"""The heartbeat on a deployed host: what the switch gets, what its units may do, and how it comes."""

from __future__ import annotations

import re
from pathlib import Path

from provision.host import layout
from tests.deploys import Run, deploy
from tests.lab.lab import DOMAIN, Lab
from tests.services.heartbeat.host import BOX, STEP, UNIT, beat, left_behind, link, looking
from tests.services.heartbeat.switch_server import CHECK, SwitchServer
from tests.waiting import wait_until

ON_FAILURE_AT_RESTARTS = 254  # the version of systemd


def test_a_deploy_brings_it_and_the_first_ping_comes_at_once(
    deployed: Lab, switch: SwitchServer, beating: Run, wanting: Path
) -> None:
    assert beating.code == 0, beating.stderr
    assert STEP in beating.changed()
    assert CHECK not in beating.stdout + beating.stderr
    assert switch.got[0].path == CHECK, switch.got[0].body
    for unit in (layout.SERVICE_UNIT, layout.hook_unit("archive")):
        named = deployed.target.run(f"systemctl show -p OnFailure --value {unit}").stdout.strip()
        assert named == f"letterbox-heartbeat-failed@{unit.removesuffix('.service')}.service"
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
    found = link(deployed)
    assert found["holds"] is True, found
    assert re.match(r"last ping 20\d\d-.* UTC; ok disk: ", found["evidence"])
    assert "letterbox-heartbeat.timer" in deployed.target.run("systemctl list-timers").stdout


def test_the_address_is_in_no_file_and_no_log(deployed: Lab, beating: Run) -> None:
    secret = CHECK.rpartition("/")[2]
    everywhere = (
        f"grep -rlF {secret} /etc /opt /var/lib /run /var/log 2>/dev/null; "
        f"{{ journalctl -o cat; systemctl show 'letterbox-heartbeat*'; }} | grep -cF {secret}"
    )
    assert deployed.target.run(everywhere, check=False).stdout.split() == ["0"]


def test_the_look_sees_the_test_messages_and_no_other_mail(deployed: Lab, beating: Run) -> None:
    deployed.target.run(f"runuser -u {layout.USER} -- mkdir -p {layout.MAIL}/{DOMAIN}/alice/new")
    with looking(deployed) as pid:
        root = f"/proc/{pid}/root"
        seen = deployed.target.run(f"find {root}{layout.STATE_FOLDER} | sed s,{root},,").stdout.split()
        assert f"{layout.QUEUES}/archive/pending" in seen
        assert sorted(path for path in seen if not path.startswith(layout.QUEUES)) == sorted(
            [
                *(layout.STATE_FOLDER, layout.MAIL, f"{layout.MAIL}/{DOMAIN}", BOX),
                *(f"{BOX}/{part}" for part in ("cur", "new", "tmp")),
            ]
        )
        assert deployed.target.run(f"ls {root}/etc/letterbox/tls", check=False).stdout == ""
        links = deployed.target.run(f"nsenter -t {pid} -n ip -brief link").stdout.splitlines()
        assert [line.split()[0] for line in links] == ["lo"], "it has no network"
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
    # It tells once in ten minutes, and an earlier test may have let it.
    deployed.target.run("systemctl reset-failed 'letterbox-heartbeat-failed@*'", check=False)
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
    (told,) = [got for got in switch.got if got.path == f"{CHECK}/fail"]
    assert told.body == "NOT WELL letterbox.service: it has failed (signal, KILL)\n"
    assert beat(deployed, switch).startswith("ok ")


def test_a_run_that_is_killed_leaves_nothing(deployed: Lab, switch: SwitchServer, beating: Run) -> None:
    received = f"journalctl -q -u {layout.SERVICE_UNIT} -o cat --no-pager | grep -c 'to=<heartbeat-'"
    before = int(deployed.target.run(received, check=False).stdout)
    deployed.target.run(f"systemctl start --no-block {UNIT}")
    wait_until(lambda: int(deployed.target.run(received, check=False).stdout) > before, "a message was taken")
    deployed.target.run(f"systemctl kill -s KILL {UNIT}", check=False)
    wait_until(lambda: left_behind(deployed) == "", "nothing is left")
    assert beat(deployed, switch).startswith("ok ")
