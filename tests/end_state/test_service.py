"""The service: its units, its sockets, its sandbox, and whether it is the one that was deployed."""

from __future__ import annotations

import json
import re

import pytest

from provision.host import layout


@pytest.mark.parametrize("unit", [layout.SOCKET_UNIT, layout.SERVICE_UNIT])
def test_the_unit_is_enabled_and_runs(host, unit) -> None:
    service = host.service(unit)
    assert service.is_enabled
    assert service.is_running


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_port_25_is_listened_to_over_ipv4_and_ipv6(host, address) -> None:
    assert host.socket(f"tcp://{address}:25").is_listening


def test_it_greets_by_the_name_that_the_mx_gives(host, mail_host) -> None:
    program = "import socket; print(socket.create_connection(('127.0.0.1', 25), 30).recv(600).decode())"
    greeting = host.check_output("python3 -c %s", program)
    assert greeting.startswith(f"220 {mail_host.hostname} ")


def test_it_does_not_crash_and_restart(host) -> None:
    assert host.check_output(f"systemctl show -p NRestarts --value {layout.SERVICE_UNIT}") == "0"


def test_the_running_process_was_started_with_what_is_deployed(host) -> None:
    pid = host.check_output(f"systemctl show -p MainPID --value {layout.SERVICE_UNIT}")
    running = host.check_output(f"tr '\\0' '\\n' < /proc/{pid}/environ | grep ^LETTERBOX_GENERATION=")
    assert running == host.file(layout.GENERATION).content_string.strip()


def test_it_has_loaded_what_lies_on_disk(host) -> None:
    loaded = json.loads(host.check_output(f"cat {layout.LOADED}"))
    der = host.check_output(f"openssl x509 -in {layout.CERTIFICATE} -outform DER | sha256sum").split()[0]
    assert loaded["pid"] == int(host.check_output(f"systemctl show -p MainPID --value {layout.SERVICE_UNIT}"))
    assert loaded["configuration"] == host.file(layout.CONFIGURATION).sha256sum
    assert loaded["release"] == host.file(layout.CURRENT).linked_to.rpartition("/")[2]
    assert loaded["certificate"] == der


@pytest.mark.parametrize("unit", [layout.SOCKET_UNIT, layout.SERVICE_UNIT])
def test_systemd_has_read_the_unit_as_it_is(host, unit) -> None:
    assert host.check_output(f"systemctl show -p NeedDaemonReload --value {unit}") == "no"


def test_it_runs_as_its_own_user_without_any_capability(host) -> None:
    pid = host.check_output(f"systemctl show -p MainPID --value {layout.SERVICE_UNIT}")
    status = host.file(f"/proc/{pid}/status").content_string
    uid = host.check_output(f"id -u {layout.USER}")
    assert re.search(rf"^Uid:\t{uid}\t{uid}\t{uid}\t{uid}$", status, re.M)
    assert set(re.findall(r"^Cap(?:Prm|Eff|Bnd|Amb):\t(\w+)$", status, re.M)) == {"0" * 16}


def test_it_is_sandboxed(host) -> None:
    said = host.check_output(f"systemd-analyze security --no-pager {layout.SERVICE_UNIT}")
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert exposure and float(exposure[1]) <= 0.6, said.splitlines()[-1]


def test_systemd_has_nothing_to_say_about_the_units(host) -> None:
    units = f"{layout.UNIT_FOLDER}/{layout.SOCKET_UNIT} {layout.UNIT_FOLDER}/{layout.SERVICE_UNIT}"
    said = host.run(f"systemd-analyze verify --man=no {units}")
    assert (said.rc, "letterbox" in said.stderr) == (0, False), said.stderr


def inside(host, command: str):
    """Run a command as root in the service's own mounts and network. Not even root may do more."""
    pid = host.check_output(f"systemctl show -p MainPID --value {layout.SERVICE_UNIT}")
    return host.run(f"nsenter --target {pid} --mount --net {command}")


def test_it_has_no_network_except_the_sockets_it_was_handed(host) -> None:
    links = inside(host, "ip -o link").stdout.splitlines()
    assert [line.split(": ")[1] for line in links] == ["lo"]
    assert (
        host.check_output(f"systemctl show -p RestrictAddressFamilies --value {layout.SERVICE_UNIT}")
        == "AF_UNIX"
    )


@pytest.mark.parametrize(
    "folder", ["/", "/etc", "/etc/letterbox", "/opt/letterbox", "/usr/local/bin", "/var/lib"]
)
def test_it_can_write_only_to_its_mail(host, folder) -> None:
    assert "Read-only file system" in inside(host, f"touch {folder}/letterbox-test").stderr


def test_it_can_write_to_its_mail(host) -> None:
    assert inside(host, f"touch {layout.STATE_FOLDER}/.letterbox-test").rc == 0
    assert inside(host, f"rm {layout.STATE_FOLDER}/.letterbox-test").rc == 0


def test_it_sees_no_other_process(host) -> None:
    pid = host.check_output(f"systemctl show -p MainPID --value {layout.SERVICE_UNIT}")
    mounts = host.file(f"/proc/{pid}/mounts").content_string
    assert re.search(r"^proc /proc proc \S*hidepid=invisible", mounts, re.M)


def test_memory_and_tasks_are_limited(host) -> None:
    shown = host.check_output(f"systemctl show -p MemoryMax -p TasksMax {layout.SERVICE_UNIT}")
    assert "infinity" not in shown
