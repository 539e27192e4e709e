"""How a deployed host, its DNS and the way to it are broken, and put back afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from dns import sync
from tests.lab.lab import Lab
from tests.lab.machines.machine import DEADLINE

Making = Callable[[Lab], AbstractContextManager[None]]
TOML = "/etc/letterbox/letterbox.toml"
MAIL = "/var/lib/letterbox/mail"
RESTART = "systemctl reset-failed letterbox.service; systemctl restart letterbox.service"


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that is broken: what it is, how, and the link that the doctor must name.

    `says` is a part of the evidence and the fix that must be there. `quick` marks those of `make test`. The
    doctor cannot see a break without a link: then a deploy has to mend it.
    """

    what: str
    link: str
    make: Making
    says: str = ""
    quick: bool = False

    @property
    def id(self) -> str:
        return self.what.replace(" ", "-").replace("/", "-")


def on(machine: str, breaking: str, repairing: str) -> Making:
    """Broken by one shell command on a machine of the lab, and repaired by another, as far as it still is."""

    @contextmanager
    def broken(lab: Lab) -> Iterator[None]:
        place = getattr(lab, machine)
        try:
            place.run(breaking)
            lab.world.forget()
            yield
        finally:
            place.run(f"{repairing}\ntrue")
            lab.world.forget()

    return broken


def host(breaking: str, repairing: str) -> Making:
    return on("target", breaking, repairing)


def kept(path: str, what: str, *, then: str = "") -> Making:
    """Broken by a command that changes a file or a folder of the host. It is put back, and `then` is run."""
    copy = f"/root/kept{path.replace('/', '-')}"
    return host(
        f"rm -rf {copy}; cp -a {path} {copy} && {what}",
        f"rm -rf {path}; cp -a {copy} {path}; {then}",
    )


def edited(what: str, *, restart: bool = False) -> Making:
    """Broken by an edit of letterbox.toml."""
    return kept(TOML, f"{what}; {RESTART if restart else 'true'}", then=RESTART)


def drop_in(unit: str, text: str, *, then: str) -> Making:
    """Broken by a drop-in of a unit. `then` makes systemd use it, and what it was before."""
    folder = f"/etc/systemd/system/{unit}.d"
    return host(
        f"mkdir -p {folder} && printf '{text}' > {folder}/broken.conf; systemctl daemon-reload; {then}; true",
        f"rm -rf {folder}; systemctl daemon-reload; {then}",
    )


def firewall(*options: str, undo: str, permanent: bool = True, now: bool = True) -> Making:
    """Broken by options of firewall-cmd, now and for good. `undo` is its inverse, a complete command."""
    commands = [f"firewall-cmd -q {option}" for option in options if now]
    commands += [f"firewall-cmd -q --permanent {option}" for option in options if permanent]
    return host(" && ".join(commands), undo)


def undone(option: str) -> str:
    """The command that takes an option back, now and for good."""
    return f"firewall-cmd -q {option}; firewall-cmd -q --permanent {option}"


def table(rule: str, hook: str = "filter hook input priority -200") -> Making:
    """Broken by a table of nftables that is somebody else's."""
    make = (
        f"nft add table inet shut && nft add chain inet shut input '{{ type {hook}; }}' && "
        f"nft add rule inet shut input {rule}"
    )
    return host(make, "nft delete table inet shut")


@contextmanager
def filtered_on_the_way(lab: Lab, *families: str) -> Iterator[None]:
    """As a provider does: packets to port 25 of the host never reach it."""
    addresses = {"-4": lab.target.ipv4, "-6": lab.target.ipv6}
    rules = [
        ["ip", family, "rule", "%s", "to", addresses[family], "ipproto", "tcp", "dport", "25", "blackhole"]
        for family in families
    ]
    for rule in rules:
        subprocess.run(["add" if word == "%s" else word for word in rule], check=True)
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run(["del" if word == "%s" else word for word in rule], check=True)


def _cloudflare(lab: Lab) -> tuple[httpx.Client, str]:
    api = httpx.Client(
        base_url=lab.environment["CLOUDFLARE_BASE_URL"],
        headers={"Authorization": f"Bearer {lab.environment['CLOUDFLARE_API_TOKEN']}"},
        timeout=DEADLINE,
    )
    zone = api.get("/zones", params={"name": "example.test"}).json()["result"][0]["id"]
    return api, f"/zones/{zone}/dns_records"


@contextmanager
def record(lab: Lab, kind: str, change: dict[str, Any] | None) -> Iterator[None]:
    """Change our record of the zone at Cloudflare (None: delete it). Afterwards a sync puts it back."""
    api, place = _cloudflare(lab)
    (found,) = [
        each
        for each in api.get(place).json()["result"]
        if each["type"] == kind and "letterbox" in (each["comment"] or "").lower()
    ]
    one = f"{place}/{found['id']}"
    done = api.delete(one) if change is None else api.patch(one, json=change)
    assert done.is_success, done.text
    lab.world.forget()
    try:
        yield
    finally:
        there = {each["id"] for each in api.get(place).json()["result"]}
        if found["id"] in there:
            put_back = {key: found[key] for key in change or {}}
            assert api.patch(one, json=put_back).is_success
        assert sync.main(["example.test", "--inventory", str(lab.inventory)]) == 0
        lab.world.forget()


@contextmanager
def foreign_mx(lab: Lab) -> Iterator[None]:
    """An MX of somebody else beside ours."""
    api, place = _cloudflare(lab)
    value = {"type": "MX", "name": "example.test", "content": "mail.sender.test", "priority": 5, "ttl": 60}
    made = api.post(place, json=value)
    assert made.is_success, made.text
    lab.world.forget()
    try:
        yield
    finally:
        api.delete(f"{place}/{made.json()['result']['id']}")
        assert sync.main(["example.test", "--inventory", str(lab.inventory)]) == 0
        lab.world.forget()
