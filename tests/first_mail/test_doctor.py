# ruff: noqa: E501
"""Each link of a message's path, broken by itself on a deployed host: the doctor names exactly that one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from dns import sync
from dns.greeting import Greeting
from first_mail import doctor, message_path, vantage
from first_mail.doctor import main
from tests.lab.lab import Lab
from tests.lab.machines.machine import DEADLINE

Break = Callable[[Lab], AbstractContextManager[None]]
TOML = "/etc/letterbox/letterbox.toml"
MAIL = "/var/lib/letterbox/mail"
RESTART = "systemctl reset-failed letterbox.service; systemctl restart letterbox.service"


@pytest.fixture
def examined(
    deployed: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    """Run the doctor on the lab: its exit code, and the links that it showed."""
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def run(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
        capsys.readouterr()
        code = main(
            [
                str(deployed.inventory),
                "--json",
                "--reference",
                "mail.sender.test",
                "--seconds",
                "5",
                *arguments,
            ]
        )
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def on(machine: str, breaking: str, mending: str) -> Break:
    """Broken and mended by a shell command each on a machine of the lab."""

    @contextmanager
    def broken(lab: Lab) -> Iterator[None]:
        place = getattr(lab, machine)
        place.run(breaking)
        try:
            yield
        finally:
            place.run(mending)

    return broken


def edited(what: str, *, restart: bool = False) -> Break:
    """letterbox.toml edited with a command, and put back."""
    then = f"; {RESTART}" if restart else ""
    return on(
        "target",
        f"cp -p {TOML} /root/kept.toml && {what}{then}",
        f"cp -p /root/kept.toml {TOML} && rm /root/kept.toml; {RESTART}",
    )


@contextmanager
def record(lab: Lab, kind: str, change: dict[str, Any] | None) -> Iterator[None]:
    """A record of the zone changed at Cloudflare (None: deleted), and put back by a sync."""
    api = httpx.Client(
        base_url=lab.environment["CLOUDFLARE_BASE_URL"],
        headers={"Authorization": f"Bearer {lab.environment['CLOUDFLARE_API_TOKEN']}"},
        timeout=DEADLINE,
    )
    zone = api.get("/zones", params={"name": "example.test"}).json()["result"][0]["id"]
    records = api.get(f"/zones/{zone}/dns_records").json()["result"]
    (found,) = [
        each for each in records if each["type"] == kind and "letterbox" in (each["comment"] or "").lower()
    ]
    place = f"/zones/{zone}/dns_records/{found['id']}"
    done = api.delete(place) if change is None else api.patch(place, json=change)
    assert done.is_success, done.text
    try:
        yield
    finally:
        if change is not None:
            put_back = {"content": found["content"], "proxied": False}
            assert api.patch(place, json=put_back).is_success
        assert sync.main(["example.test", "--inventory", str(lab.inventory)]) == 0


@contextmanager
def filtered_on_the_way(lab: Lab) -> Iterator[None]:
    """What a provider does: packets to port 25 of the host never get to it."""
    rules = [
        ["ip", family, "rule", "%s", "to", address, "ipproto", "tcp", "dport", "25", "blackhole"]
        for family, address in (("-4", lab.target.ipv4), ("-6", lab.target.ipv6))
    ]
    for rule in rules:
        subprocess.run(["add" if word == "%s" else word for word in rule], check=True)
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run(["del" if word == "%s" else word for word in rule], check=True)


NAMESERVERS = "/etc/knot/ns1.conf /etc/knot/ns2.conf"
DROP_IN = "/run/systemd/system/letterbox.service.d"
BREAKS: dict[str, Break] = {
    "delegation": on(
        "world",
        "cp /srv/registry/test.zone /root/ && sed -i '/^example.test/d' /srv/registry/test.zone && "
        "systemctl restart knot@registry",
        "mv /root/test.zone /srv/registry/test.zone && systemctl restart knot@registry",
    ),
    "zone": on(
        "world",
        f"cp {NAMESERVERS} /root/ && sed -i '/ example.test$/d' {NAMESERVERS} && "
        "systemctl restart knot@ns1 knot@ns2",
        "mv /root/ns?.conf /etc/knot/ && systemctl restart knot@ns1 knot@ns2",
    ),
    "MX": lambda lab: record(lab, "MX", None),
    "address": lambda lab: record(lab, "A", {"content": "198.51.100.7"}),
    "proxied": lambda lab: record(lab, "A", {"proxied": True}),
    "packet": filtered_on_the_way,
    "firewall zone": on(
        "target",
        "firewall-cmd -q --zone=FedoraServer --remove-service=smtp",
        "firewall-cmd -q --zone=FedoraServer --add-service=smtp",
    ),
    "packet filter": on(
        "target",
        "nft add table inet shut && nft add chain inet shut input '{ type filter hook input priority -200; }' && "
        "nft add rule inet shut input iifname host0 tcp dport 25 drop",
        "nft delete table inet shut",
    ),
    "program": on(
        "target",
        "mv /usr/local/bin/letterbox /root/letterbox-command",
        "mv /root/letterbox-command /usr/local/bin/letterbox",
    ),
    "socket": on(
        "target",
        "systemctl stop letterbox.socket letterbox.service",
        "systemctl start letterbox.socket letterbox.service",
    ),
    "configuration": edited(f"echo 'hostnam = 1' >> {TOML}"),
    "service": on(
        "target",
        f"mkdir -p {DROP_IN} && printf '[Service]\\nExecStart=\\nExecStart=/bin/sh -c \"echo no disk; exit 1\"\\n"
        f"RestartSec=60\\n' > {DROP_IN}/broken.conf && systemctl daemon-reload; "
        "systemctl restart letterbox.service; true",
        f"rm -r {DROP_IN}; systemctl daemon-reload; {RESTART}",
    ),
    "greeting": on(
        "target",
        "systemctl kill -s STOP letterbox.service",
        "systemctl kill -s CONT letterbox.service",
    ),
    "STARTTLS": edited(f"sed -i '/^.tls/,/^key/d' {TOML}", restart=True),
    "RCPT": edited(f"printf '\\n[domains.\"third.test\"]\\nmailboxes = [\"carol\"]\\n' >> {TOML}"),
    "disk": on(
        "target",
        f"mount -t tmpfs -o size=1m,mode=700,uid=letterbox,gid=letterbox tmpfs {MAIL}",
        f"umount -l {MAIL}",
    ),
    "Maildir": on(
        "target",
        f"mkdir -p {MAIL}/example.test/bob && chown root:root {MAIL}/example.test/bob",
        f"rm -r {MAIL}/example.test/bob",
    ),
}  # fmt: skip


def test_with_nothing_broken_it_finds_nothing(examined):
    for _ in range(2):  # also once a message was stored
        code, links = examined()
        assert (code, [link["link"] for link in links if not link["holds"]]) == (0, [])
    shown = [link["link"] for link in links]
    assert shown == [name for name in ORDER if name != "program"]


ORDER = [
    *(
        "delegation",
        "zone",
        "MX",
        "address",
        "proxied",
        "packet",
        "program",
        "firewall zone",
        "packet filter",
    ),
    *("socket", "configuration", "service", "greeting", "STARTTLS", "RCPT", "disk", "Maildir", "outside"),
]


SAYS = {
    "packet": "port 25 reached the host -> ask the host's provider",
    "packet filter": "another rule drops them -> nft list ruleset",
    "service": "no disk",
}


@pytest.mark.parametrize("name", [name for name in ORDER if name in BREAKS])
def test_a_broken_link_is_named_and_no_other(name, examined, deployed):
    with BREAKS[name](deployed):
        code, links = examined()
    assert [link["link"] for link in links if not link["holds"]] == [name], links
    assert code == 2
    assert links[-1]["link"] == name
    assert links[-1]["mend"]
    assert SAYS.get(name, "") in f"{links[-1]['evidence']} -> {links[-1]['mend']}"


def test_the_vantage_point_can_be_a_host_of_the_inventory(examined, deployed):
    code, links = examined("--from", "mx1.example.test")
    assert (code, links[-1]["link"]) == (0, "outside")
    assert "mx1.example.test is greeted" in links[-1]["evidence"]


def test_a_network_that_bars_outgoing_mail_is_not_blamed_on_the_provider():
    gone = {"192.0.2.1": Greeting(failure="timeout")}
    barred = message_path.arrival(gone, {4: 0, 6: 0}, frozenset(), "this machine")
    assert barred.holds
    assert "--from" in barred.evidence
    assert not message_path.arrival(gone, {4: 0, 6: 0}, frozenset({4}), "this machine").holds
    assert message_path.arrival(gone, {4: 3, 6: 0}, frozenset({4}), "this machine").holds


@pytest.mark.parametrize(
    ("greetings", "versions"),
    [
        ({"192.0.2.1": Greeting(code=220), "2001:db8::1": Greeting(failure="timeout")}, {4}),
        ({"192.0.2.1": Greeting(failure="refused"), "2001:db8::1": Greeting(failure="no route")}, {4}),
        ({"192.0.2.1": Greeting(failure="unreachable"), "2001:db8::1": Greeting(failure="silent")}, {6}),
        ({"192.0.2.1": Greeting(failure="timeout")}, set()),
    ],
)
def test_an_ip_version_leaves_the_vantage_point_only_where_an_answer_came_back(greetings, versions):
    """Else a host without IPv6 would blame the provider of the one that it looks at."""
    assert vantage.leaving(greetings) == versions


@pytest.mark.parametrize(
    "greeting",
    [
        Greeting(code=220, text="mail.other.test ESMTP"),
        Greeting(code=554, text="mx1.example.test no"),
        Greeting(failure="refused"),
        Greeting(failure="silent"),
        Greeting(code=220, text="mx1.example.test", tls="connection reset"),
    ],
)
def test_another_machine_at_the_address_is_told_from_ours(greeting):
    link = message_path.from_outside({"192.0.2.1": greeting}, "mx1.example.test", "this machine")
    assert not link.holds
    assert "192.0.2.1" in link.evidence


def test_nothing_is_left_on_the_host_of_the_counting(examined, deployed):
    before = deployed.target.run("nft list ruleset | sha256sum").stdout
    examined()
    assert deployed.target.run("nft list ruleset | sha256sum").stdout == before
    assert deployed.target.run("grep -c . /proc/net/packet").stdout.strip() == "1"


def test_where_ssh_fails_the_dns_is_still_looked_at(deployed, tmp_path, capsys, monkeypatch):
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)
    other = tmp_path / "inventory.py"
    text = deployed.inventory.read_text().replace(
        f'"ssh_hostname": "{deployed.target.ipv4}"', '"ssh_hostname": "::1"'
    )
    other.write_text(text.replace('"ssh_user"', '"ssh_port": 9, "ssh_user"'))
    assert doctor.main([str(other), "--json"]) == 1
    said = capsys.readouterr()
    assert [json.loads(line)["link"] for line in said.out.splitlines()] == list(message_path.IN_THE_DNS)
    assert "cannot be reached over ssh" in said.err
    assert len(said.err.splitlines()) == 1
