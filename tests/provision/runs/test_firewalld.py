"""firewalld on a real machine, in the states that hosts have it in: running, stopped, masked, missing."""

from __future__ import annotations

import socket

import pytest

from tests.deploys import Run, copy_of_checkout, deploy
from tests.waiting import wait_until

OPEN = "Firewall: 25/tcp"
START = "Firewall: running, if wanted"


def reachable(lab) -> bool:
    try:
        socket.create_connection((lab.target.ipv4, 25), timeout=10).close()
    except OSError:
        return False
    return True


def services(lab, *when: str) -> list[str]:
    return lab.target.run(["firewall-cmd", *when, "--zone=FedoraServer", "--list-services"]).stdout.split()


@pytest.fixture
def host(deployed):
    """The lab. Afterwards its firewalld is installed and runs, with smtp open."""
    yield deployed
    target = deployed.target
    target.run("systemctl unmask -q firewalld; rpm -q firewalld >/dev/null || dnf -y -q install firewalld")
    target.run("systemctl enable -q --now firewalld")
    assert deploy(deployed, "-y").code == 0


def wanting(lab, folder, **data: object) -> Run:
    """Deploy with these keys added to the host in the inventory."""
    inventory = folder / "inventory.py"
    said = "".join(f'"{key}": {value!r}, ' for key, value in data.items())
    inventory.write_text(lab.inventory.read_text().replace('"ssh_user"', f'{said}"ssh_user"'))
    return deploy(lab, "-y", "--json", inventory=inventory)


def test_a_deploy_drops_no_port_of_others_and_a_reload_keeps_smtp_open(host) -> None:
    host.target.run("firewall-cmd -q --zone=FedoraServer --add-port=8080/tcp")
    host.target.run("firewall-cmd -q --permanent --zone=FedoraServer --remove-service=smtp")
    assert deploy(host, "-y", "--json").changed() == [OPEN]
    ports = host.target.run("firewall-cmd --zone=FedoraServer --list-ports").stdout.split()
    assert ports == ["8080/tcp"]
    host.target.run("firewall-cmd -q --reload")
    assert reachable(host)
    assert services(host) == ["cockpit", "dhcpv6-client", "smtp", "ssh"]


def test_an_interface_moved_to_another_zone_is_followed(host) -> None:
    host.target.run("firewall-cmd -q --zone=public --change-interface=host0")
    try:
        assert not reachable(host)
        assert deploy(host, "-y", "--json").changed() == [OPEN]
        assert reachable(host)
    finally:
        host.target.run("firewall-cmd -q --zone=public --remove-interface=host0")
        for when in ("", "--permanent"):
            host.target.run(f"firewall-cmd -q {when} --zone=public --remove-service=smtp")


def test_the_zones_that_the_inventory_names_are_opened_and_no_other(host, tmp_path) -> None:
    before = host.target.run("firewall-cmd --list-all-zones").stdout
    run = wanting(host, tmp_path, firewalld_zones=["dmz", "public"])
    assert (run.code, run.changed()) == (0, [OPEN]), run.stderr
    try:
        after = host.target.run("firewall-cmd --list-all-zones").stdout
        changed = set(after.splitlines()) ^ set(before.splitlines())
        assert {line.strip() for line in changed} <= {
            *("services: ssh", "services: smtp ssh", "services: dhcpv6-client ssh"),
            "services: dhcpv6-client smtp ssh",
        }
    finally:
        for zone in ("dmz", "public"):
            for when in ("", "--permanent"):
                host.target.run(f"firewall-cmd -q {when} --zone={zone} --remove-service=smtp")


def test_one_that_is_stopped_but_will_start_at_boot_is_opened_for_its_next_start(host) -> None:
    host.target.run("firewall-cmd -q --permanent --zone=FedoraServer --remove-service=smtp")
    host.target.run("systemctl stop firewalld")
    assert deploy(host, "-y", "--json").changed() == [OPEN]
    assert deploy(host, "-y", "--json").changed() == []
    assert host.target.run("systemctl is-active firewalld", check=False).stdout.strip() == "inactive"
    host.target.run("systemctl start firewalld")
    assert reachable(host)


def test_destroy_closes_one_that_is_stopped_but_will_start_at_boot(host) -> None:
    host.target.run("systemctl stop firewalld")
    assert deploy(host, "-y", script="destroy.py").code == 0
    host.target.run("systemctl start firewalld")
    assert services(host) == services(host, "--permanent") == ["cockpit", "dhcpv6-client", "ssh"]


def test_one_that_is_masked_stays_so_and_is_started_if_the_inventory_wants_it(host, tmp_path) -> None:
    host.target.run("firewall-cmd -q --permanent --zone=FedoraServer --remove-service=smtp")
    host.target.run("systemctl disable -q --now firewalld; systemctl mask -q firewalld")
    assert deploy(host, "-y", "--json").changed() == []
    assert reachable(host)
    run = wanting(host, tmp_path, firewalld="running")
    assert (run.code, run.changed()) == (0, [START, OPEN]), run.stderr
    assert services(host) == services(host, "--permanent") == ["cockpit", "dhcpv6-client", "smtp", "ssh"]
    assert reachable(host)


def test_one_that_is_missing_stays_so_and_is_installed_if_the_inventory_wants_it(host, tmp_path) -> None:
    host.target.run("systemctl disable -q --now firewalld; rpm -e firewalld")
    host.target.run("mv /usr/bin/firewall-cmd /root/", check=False)
    try:
        assert deploy(host, "-y", "--json").changed() == []
    finally:
        host.target.run("test -e /usr/bin/firewall-cmd || mv /root/firewall-cmd /usr/bin/", check=False)
    run = wanting(host, tmp_path, firewalld="running")
    assert (run.code, run.changed()[:2]) == (0, ["Packages", START]), run.stderr
    assert reachable(host)


def state(lab) -> str:
    return lab.target.run("systemctl is-active firewalld", check=False).stdout.strip()


def test_started_it_lets_ssh_in_by_the_zone_that_it_came_in_by(host, tmp_path) -> None:
    """The interface is in a zone that is closed to ssh, and that is not the default zone."""
    offline = "firewall-offline-cmd -q --zone=dmz"
    host.target.run(
        f"systemctl disable -q --now firewalld; {offline} --change-interface=host0 && "
        f"{offline} --remove-service-from-zone=ssh"
    )
    try:
        run = wanting(host, tmp_path, firewalld="running")
        assert (run.code, run.changed()[:1]) == (0, [START]), run.stderr
        assert "ssh" in host.target.run("firewall-cmd --zone=dmz --list-services").stdout.split()
        assert reachable(host)
        assert host.target.run("systemctl list-timers --all --no-legend 'letterbox-*'").stdout == ""
    finally:
        for when in ("", "--permanent"):
            host.target.run(f"firewall-cmd -q {when} --zone=dmz --remove-service=smtp", check=False)
            host.target.run(f"firewall-cmd -q {when} --zone=dmz --remove-interface=host0", check=False)


def test_one_that_locks_ssh_out_is_stopped_again_by_the_host_itself(host, tmp_path) -> None:
    """A zone of sources wins over that of the interface, and drops everything."""
    checkout = copy_of_checkout(tmp_path / "checkout")
    start = checkout / "provision" / "firewalld_start.py"
    start.write_text(start.read_text().replace("PATIENCE = 90", "PATIENCE = 20"))
    sources = f"firewall-offline-cmd -q --zone=drop --{{}}-source={host.network.ipv4}"
    host.target.run(f"systemctl disable -q --now firewalld; {sources.format('add')}")
    inventory = tmp_path / "inventory.py"
    text = host.inventory.read_text()
    inventory.write_text(text.replace('"ssh_user"', '"firewalld": "running", "ssh_user"'))
    try:
        run = deploy(host, "-y", inventory=inventory, checkout=checkout)
        assert run.code == 1, run.stderr
        assert "Traceback" not in run.stderr
        # A connection that was there before may get in all the time.
        wait_until(lambda: state(host) == "inactive", "the host stops firewalld by itself")
        assert host.target.run("systemctl is-enabled firewalld", check=False).stdout.strip() == "disabled"
    finally:
        wait_until(lambda: host.target.run("true", check=False).returncode == 0, "ssh gets in again")
        host.target.run(f"systemctl stop firewalld; {sources.format('remove')}")
