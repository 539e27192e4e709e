"""firewalld lets 25/tcp in where mail arrives, now and after a restart, and still lets ssh in."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def zones(host, mail_host) -> list[str]:
    """The firewalld zones that mail arrives in, by firewall-cmd; the deploy asks over D-Bus."""
    if not host.exists("firewall-cmd"):
        pytest.skip("the host has no firewalld")
    if host.run("firewall-cmd --state").rc != 0:
        pytest.skip("firewalld does not run on the host")
    if mail_host.firewalld_zones:
        return list(mail_host.firewalld_zones)
    routes = host.check_output("ip -o route show default; ip -o -6 route show default").splitlines()
    interfaces = {words[words.index("dev") + 1] for words in map(str.split, routes) if "dev" in words}
    found = {host.run(f"firewall-cmd --get-zone-of-interface={name}").stdout.strip() for name in interfaces}
    return sorted(found - {""}) or [host.check_output("firewall-cmd --get-default-zone")]


@pytest.mark.parametrize("when", ["", "--permanent"])
def test_smtp_gets_in(host, zones, when) -> None:
    for zone in zones:
        by_service = host.run(f"firewall-cmd {when} --zone={zone} --query-service=smtp").rc == 0
        by_port = host.run(f"firewall-cmd {when} --zone={zone} --query-port=25/tcp").rc == 0
        assert by_service or by_port, f"25/tcp is closed in {zone} {when}"


@pytest.mark.parametrize("when", ["", "--permanent"])
def test_ssh_still_gets_in(host, zones, when) -> None:
    if not host.socket("tcp://0.0.0.0:22").is_listening:
        pytest.skip("ssh listens on another port here")
    for zone in zones:
        assert host.run(f"firewall-cmd {when} --zone={zone} --query-service=ssh").rc == 0


def test_the_service_smtp_still_means_25(host, zones) -> None:
    assert host.check_output("firewall-cmd --info-service=smtp").count("25/tcp") == 1


def test_smtp_gets_in_when_a_firewalld_that_is_stopped_starts_at_the_next_boot(host, mail_host) -> None:
    if not host.exists("firewall-offline-cmd") or not host.service("firewalld").is_enabled:
        pytest.skip("no firewalld starts at the next boot")
    if host.run("firewall-cmd --state").rc == 0:
        pytest.skip("firewalld runs, and the tests above ask it")
    zones = mail_host.firewalld_zones or [host.check_output("firewall-offline-cmd --get-default-zone")]
    for zone in zones:
        queries = ("--query-service=smtp", "--query-port=25/tcp")
        opened = [host.run(f"firewall-offline-cmd --zone={zone} {query}").rc == 0 for query in queries]
        assert any(opened), f"25/tcp is closed in {zone}"
