"""A lab comes up, is repaired and goes away. It is a spare lab, beside the one that other tests use."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import usable_lab
from tests.deploys import ROOT
from tests.lab import lifecycle, network
from tests.lab.machines.control_group import control_group
from tests.lab.machines.machine import DEADLINE
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def spare_folder(tmp_path_factory):
    """Where the spare lab lives; nothing is left of it at the end."""
    folder = tmp_path_factory.mktemp("spare") / ".lab"
    yield folder
    lifecycle.take_down(folder)


@pytest.fixture
def spare_lab(request, spare_folder):
    """A lab that a test may break. It is whole at the start of each test."""
    return usable_lab(request.config, spare_folder, quiet=True)


def command(folder, *arguments):
    return [sys.executable, "-m", "tests.lab", "--folder", str(folder), *arguments]


def traces(lab):
    """Everything that the system has of the lab."""
    found = [f"pid {pid}" for machine in lab.machines for pid in machine.pids]
    links = json.loads(subprocess.run(["ip", "-j", "link"], capture_output=True, check=True).stdout)
    found += [link["ifname"] for link in links if link["ifname"].startswith(lab.network.name)]
    found += [path.name for path in Path("/run/netns").glob(f"{lab.network.name}*")]
    found += [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(lab.folder) in line]
    found += [
        str(group)
        for machine in lab.machines
        if (group := control_group(machine.container)) and group.exists()
    ]
    found += [
        f"ssh {entry.name}"
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and str(lab.folder / "ssh").encode() in _command_line(entry)
    ]
    return found


def nothing_is_left(lab):
    """Wait until nothing is left. Processes that were told to end, such as ssh masters, take a moment."""
    wait_until(lambda: not traces(lab), lambda: f"nothing is left, but {traces(lab)}")


def _command_line(process):
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_down_leaves_nothing_behind(spare_lab) -> None:
    assert traces(spare_lab)
    done = subprocess.run(
        command(spare_lab.folder, "down"), cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert "is down" in done.stdout
    nothing_is_left(spare_lab)
    assert not spare_lab.folder.exists()


def test_a_fresh_target_lets_no_mail_in_and_lacks_openssl(spare_folder, spare_lab) -> None:
    spare_lab, _ = lifecycle.bring_up(spare_folder, fresh=True)
    said = spare_lab.world.run(f"swaks --quit-after CONNECT --server {spare_lab.target.ipv4}", check=False)
    assert "No route to host" in said.stdout + said.stderr
    assert spare_lab.target.run("rpm -q --whatprovides openssl", check=False).returncode != 0
    spare_lab.target.run("dnf -y -q install openssl")
    assert spare_lab.target.run("openssl version").stdout.startswith("OpenSSL 3")


def test_up_leaves_a_healthy_lab_alone(spare_lab) -> None:
    before = spare_lab.target.pids
    again, started = lifecycle.bring_up(spare_lab.folder)
    assert (again, started) == (spare_lab, False)
    assert spare_lab.target.pids == before


def lose_a_machine(lab):
    for pid in lab.target.pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not lab.target.is_running(), "it is gone: what is killed may run on for a moment")


def lose_the_network(lab):
    network.remove(lab.network.name)


def lose_the_record(lab):
    (lab.folder / "lab.json").unlink()


@pytest.mark.parametrize("lose", [lose_a_machine, lose_the_network, lose_the_record])
def test_up_repairs_a_lab_that_is_not_whole(spare_lab, lose) -> None:
    lose(spare_lab)
    repaired, started = lifecycle.bring_up(spare_lab.folder)
    assert started
    assert repaired.target.run("systemctl is-active firewalld").stdout == "active\n"
    assert repaired.world.lookup("sender.test", "MX")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_up_leaves_nothing_behind(spare_lab, how) -> None:
    lifecycle.take_down(spare_lab.folder)
    up = start_up(spare_lab.folder, until=spare_lab.target.is_running)
    up.send_signal(how)
    assert up.wait(timeout=DEADLINE) == 130
    nothing_is_left(spare_lab)


def test_down_removes_what_a_killed_up_left(spare_lab) -> None:
    lifecycle.take_down(spare_lab.folder)
    up = start_up(spare_lab.folder, until=spare_lab.target.is_running)
    up.kill()
    up.wait()
    assert traces(spare_lab)
    lifecycle.take_down(spare_lab.folder)
    nothing_is_left(spare_lab)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_stops_at_once(spare_lab, tmp_path, how) -> None:
    """Its programs and its mounts (of /proc and /dev) go with it, however it ends."""

    def builders():
        return [entry for entry in Path("/proc").iterdir() if str(tmp_path).encode() in _command_line(entry)]

    up = start_up(
        tmp_path / ".lab",
        until=lambda: len(list(tmp_path.glob("letterbox/images/*.part/var"))) == 2,
        environment={"XDG_CACHE_HOME": str(tmp_path)},
    )
    assert builders()
    up.send_signal(how)
    up.wait(timeout=DEADLINE)
    wait_until(lambda: not builders(), "the build has ended")
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()


def start_up(folder, *, until, environment=None):
    """`up` in a process of its own, until a condition holds."""
    up = subprocess.Popen(
        command(folder, "up"),
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(lambda: until() or up.poll() is not None, "`up` gets that far")
    assert up.poll() is None, up.stdout.read()
    return up


def test_two_labs_run_side_by_side(lab, spare_lab) -> None:
    for one, other in ((lab, spare_lab), (spare_lab, lab)):
        assert not one.network.ipv4.overlaps(other.network.ipv4)
        assert one.world.run(f"ping -c1 -W5 {one.target.ipv6}").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"), [(["up"], "sudo"), (["shell"], "does not run"), (["down"], "sudo")]
)
def test_what_a_user_can_do_wrong_gets_one_line(tmp_path, arguments, words) -> None:
    """As the user nobody. The program is loaded first, because that user may not be allowed to read it."""
    program = (
        "import os, sys; from tests.lab import __main__ as lab; os.seteuid(65534);"
        " sys.exit(lab.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--folder", str(tmp_path / "none"), *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
