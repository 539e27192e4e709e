# ruff: noqa: E501
"""How each link of a message's path is broken on a deployed host, one at a time, and repaired again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx

from dns import sync
from tests.lab.lab import Lab
from tests.lab.machines.machine import DEADLINE

Break = Callable[[Lab], AbstractContextManager[None]]
TOML = "/etc/letterbox/letterbox.toml"
MAIL = "/var/lib/letterbox/mail"
RESTART = "systemctl reset-failed letterbox.service; systemctl restart letterbox.service"


def on(machine: str, breaking: str, repairing: str) -> Break:
    """A link that one shell command on a machine of the lab breaks, and another repairs."""

    @contextmanager
    def broken(lab: Lab) -> Iterator[None]:
        place = getattr(lab, machine)
        place.run(breaking)
        lab.world.forget()
        try:
            yield
        finally:
            place.run(repairing)
            lab.world.forget()

    return broken


def edited(what: str, *, restart: bool = False) -> Break:
    """A link that an edit of letterbox.toml breaks. The file is put back."""
    then = f"; {RESTART}" if restart else ""
    return on(
        "target",
        f"cp -p {TOML} /root/kept.toml && {what}{then}",
        f"cp -p /root/kept.toml {TOML} && rm /root/kept.toml; {RESTART}",
    )


@contextmanager
def record(lab: Lab, kind: str, change: dict[str, Any] | None) -> Iterator[None]:
    """Change a record of the zone at Cloudflare (None: delete it). Afterwards a sync puts it back."""
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
    lab.world.forget()
    try:
        yield
    finally:
        if change is not None:
            put_back = {"content": found["content"], "proxied": False}
            assert api.patch(place, json=put_back).is_success
        assert sync.main(["example.test", "--inventory", str(lab.inventory)]) == 0


@contextmanager
def filtered_on_the_way(lab: Lab) -> Iterator[None]:
    """As a provider does: packets to port 25 of the host never reach it."""
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
