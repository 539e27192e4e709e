"""The two machines are what other tests take them for. These tests leave them as a deploy expects them."""

from __future__ import annotations

import time

import pytest
from testinfra import get_host

from tests.lab.lab import DOMAIN
from tests.waiting import wait_until

CONNECT = """
import errno, socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5).close()
    print("open")
except OSError as error:
    print(errno.errorcode.get(error.errno, "timeout"))
"""
PORT = 2626  # a port that no firewalld zone opens and nobody listens at


@pytest.fixture(scope="module")
def host(lab):
    return get_host("ssh://target", ssh_config=str(lab.ssh_config))


def reached(lab, address, port):
    return lab.world.run(["python3", "-c", CONNECT, address, str(port)]).stdout.strip()


def test_testinfra_takes_the_target_for_fedora(host) -> None:
    assert host.system_info.distribution == "fedora"
    assert host.package("firewalld").is_installed


def test_the_default_zone_is_fedoras(lab) -> None:
    assert lab.target.run("firewall-cmd --get-default-zone").stdout.strip() == "FedoraServer"
    services = lab.target.run("firewall-cmd --permanent --zone=FedoraServer --list-services").stdout.split()
    assert {"ssh", "dhcpv6-client", "cockpit"} <= set(services)


def test_dnf_is_dnf5_and_installs_from_the_repository(lab) -> None:
    assert "dnf5" in lab.target.run("dnf --version").stdout
    listed = lab.target.run("dnf -q repoquery openssl firewalld python3 --queryformat '%{name}\\n'").stdout
    assert set(listed.split()) == {"openssl", "firewalld", "python3"}


def test_the_fedora_user_may_sudo(lab) -> None:
    assert lab.target.run("sudo -n id -un", user="fedora").stdout.strip() == "root"


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_port_is_closed_to_the_world_until_a_zone_opens_it(lab, family) -> None:
    address = getattr(lab.target, family)
    listener = f"lab-listener-{family}"
    bind = "::" if family == "ipv6" else "0.0.0.0"
    lab.target.run(f"systemd-run -q --collect --unit={listener} python3 -m http.server --bind {bind} {PORT}")
    try:
        wait_until(lambda: lab.target.run(f"ss -Hltn sport = :{PORT}").stdout, f"somebody listens at {PORT}")
        assert reached(lab, address, PORT) != "open"
        lab.target.run(f"firewall-cmd --add-port={PORT}/tcp")
        assert reached(lab, address, PORT) == "open"
    finally:
        lab.target.run(f"firewall-cmd --remove-port={PORT}/tcp; systemctl stop {listener}")
    assert reached(lab, address, PORT) != "open"


def test_names_are_resolved_from_the_root_down(lab) -> None:
    """Each server knows only its own part, so the resolver must be referred from one to the next."""
    registry, ns1 = lab.network.address4(51), lab.network.address4(53)
    ask = "kdig +norecurse +noall +{section} {name} MX @{server}"
    referral = lab.world.run(ask.format(section="authority", name=f"{DOMAIN}.", server=registry)).stdout
    assert "ns1.cloudflare.test." in referral
    refused = lab.world.run(
        ask.format(section="header", name="nowhere.invalid.", server=ns1), check=False
    ).stdout
    assert "NOERROR" not in refused
    assert lab.world.lookup("sender.test", "MX") == ["10 mail.sender.test."]
    assert lab.world.lookup("mail.sender.test", "AAAA") == [lab.world.ipv6]


def test_the_resolver_keeps_answers_as_real_ones_do(lab) -> None:
    """It gives an old answer for as long as the zone says, which is a minute, unless it is told to forget."""
    zone = "/srv/static/sender.test.zone"
    name = f"kept{time.monotonic_ns()}"

    def publish(text: str) -> None:
        lab.world.run(f"cp -p {zone}.kept {zone} && echo '{name} TXT {text}' >> {zone} && publish-zones")

    lab.world.run(f"cp -p {zone} {zone}.kept")
    try:
        publish("old")
        assert lab.world.lookup(f"{name}.sender.test", "TXT") == ['"old"']
        publish("new")
        assert lab.world.lookup(f"{name}.sender.test", "TXT", cached=True) == ['"old"']
        assert lab.world.lookup(f"{name}.sender.test", "TXT") == ['"new"']
    finally:
        lab.world.run(f"mv {zone}.kept {zone} && touch {zone} && publish-zones")


def test_a_message_nobody_takes_comes_back_to_the_stranger(lab) -> None:
    """Postfix really looks up the domain, and delivers its notification locally."""
    mark = f"nowhere{time.monotonic_ns()}"
    lab.world.send(f"Subject: {mark}\r\n\r\nhello\r\n".encode(), [f"someone@{mark}.test"])
    wait_until(lambda: any(mark in bounce for bounce in lab.world.bounces()), lab.world.queue)
