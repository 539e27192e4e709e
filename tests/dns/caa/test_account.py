"""The account that renews a certificate is known early enough for a CAA record that binds it (RFC 8657).

Pebble checks no CAA. So the authority here stands behind a gateway, which asks the zone's own nameservers and
refuses as an authority does. What is published comes from `dns.sync`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dns import message, query, sync
from dns.cloudflare.zones import Zones
from dns.inventory import Inventory
from dns.inventory.checked import from_hosts
from dns.inventory.host_keys import HostKeys, parse_keys
from tests.dns.example import SECONDS
from tests.services.renewal.conftest import world
from tests.services.renewal.gateway import Gateway, Refusal
from tests.services.renewal.pebble import IDENTITY
from tests.services.renewal.world import NAME, NS1, TOKEN, ZONE, World

__all__ = ["world"]  # a fixture


class Authority:
    """Pebble behind a gateway that looks at CAA as RFC 8659 says, for our host, before it takes an order."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self.world, self.gateway = world, gateway
        self.looks = 0
        gateway.refuse = self._refuse

    def _refuse(self, path: str) -> Refusal | None:
        if path != "/order-plz":
            return None
        self.looks += 1
        issue = [value for tag, value in self.answered() if tag == "issue"]
        if not issue or any(self._fits(value) for value in issue):
            return None
        return Refusal(403, "caa", f"CAA record for {NAME} prevents issuance")

    def _fits(self, value: str) -> bool:
        issuer, *parameters = (part.strip() for part in value.split(";"))
        said = dict(part.split("=", 1) for part in parameters)
        return (
            issuer == IDENTITY
            and said.get("accounturi", self.gateway.account) == self.gateway.account
            and "dns-01" in said.get("validationmethods", "dns-01").split(",")
        )

    def answered(self) -> list[tuple[str, str]]:
        """The tag and the value of each record that applies to the host."""
        at = NAME
        while at != "test":
            answer = query.udp(message.make_query(at, "CAA"), NS1, SECONDS, self.world.port).answer
            if answer:
                return [(each.tag.decode(), each.value.decode()) for each in answer[0]]
            at = at.partition(".")[2]
        return []


@pytest.fixture
def authority(world: World) -> Iterator[Authority]:
    with Gateway(world.pebble.port, world.pebble.trust, world.folder / "https.key") as gateway:
        yield Authority(world, gateway)


def renew(world: World, authority: Authority, profile: str = "ordinary") -> str:
    """A run. Returns what went wrong, in one line."""
    return world.renew("--ca", authority.gateway.directory, "--profile", profile).error


def inventory(authority: Authority) -> Inventory:
    domain = {"mailboxes": ["alice"], "caa": True}
    data = {"public_ipv4": "9.9.9.9", "public_ipv6": False, "domains": {ZONE: domain}}
    return from_hosts([(NAME, {**data, "certificate": authority.gateway.directory})])


def keys(world: World) -> HostKeys:
    """What the host says of its account."""
    return parse_keys(["keys"], (world.state / "state.json").read_text())


def published(world: World, authority: Authority) -> list[str]:
    """Let `dns.sync` make the zone, and return our CAA in it."""
    zones = Zones({"CLOUDFLARE_API_TOKEN": TOKEN, "CLOUDFLARE_BASE_URL": world.cloudflare.base_url})
    prepared = sync.prepare(inventory(authority), ZONE, {}, zones=zones, keys={NAME: keys(world)})
    sync.apply(prepared, zones=zones)
    again = sync.prepare(inventory(authority), ZONE, {}, zones=zones, keys={NAME: keys(world)})
    assert again.in_sync
    found = [record for record in world.cloudflare.records(ZONE) if record["type"] == "CAA"]
    assert all(record["name"] == NAME for record in found), "nothing at the apex"
    return [record["data"]["value"] for record in found]


def bound(account: object) -> str:
    return f"{IDENTITY}; validationmethods=dns-01; accounturi={account}"


def test_the_account_is_published_and_then_nobody_else_gets_a_certificate(
    world: World, authority: Authority
) -> None:
    assert renew(world, authority) == ""
    account = world.kept()["account"]
    assert account.endswith(authority.gateway.account.rpartition("/")[2])
    assert world.kept()["identities"] == [IDENTITY]
    assert published(world, authority) == [bound(account)]
    assert authority.answered() == [("issue", bound(account))]
    assert renew(world, authority, "short") == "", "our own account may"
    (world.state / "account.pem").rename(world.folder / "account.pem")
    before = world.path.read_bytes()
    assert "the CA refused (caa: " in renew(world, authority), "another account may not"
    assert world.path.read_bytes() == before


def test_a_new_account_is_known_although_its_order_is_refused_and_replaces_the_old_one(
    world: World, authority: Authority
) -> None:
    assert renew(world, authority) == ""
    old = world.kept()["account"]
    assert published(world, authority) == [bound(old)]
    (world.state / "account.pem").unlink()
    said = renew(world, authority, "short")
    assert "the CA refused (caa: " in said and "python -m dns.sync DOMAIN" in said
    new = world.kept()["account"]
    assert new != old
    assert world.kept()["succeeded"] is False
    assert published(world, authority) == [bound(new)]
    assert renew(world, authority, "short") == ""
    world.verify()


def test_the_account_is_known_before_the_first_certificate(world: World, authority: Authority) -> None:
    world.cloudflare.seed(
        ZONE, {"type": "CAA", "name": NAME, "data": {"flags": 0, "tag": "issue", "value": "x.org"}}
    )
    assert "the CA refused (caa: " in renew(world, authority)
    assert not world.path.exists()
    account = world.kept()["account"]
    assert sorted(published(world, authority)) == sorted(["x.org", bound(account)])
    assert renew(world, authority) == ""


def test_an_account_that_an_older_release_did_not_note_becomes_known_with_the_next_run(
    world: World, authority: Authority
) -> None:
    assert renew(world, authority) == ""
    kept = world.kept()
    path = world.state / "state.json"
    path.write_text(json.dumps({key: kept[key] for key in kept if key not in ("identities", "account_of")}))
    assert keys(world) == HostKeys(account=kept["account"])
    looks = authority.looks
    assert renew(world, authority) == ""
    assert authority.looks == looks, "nothing was ordered"
    assert (world.kept()["account"], world.kept()["identities"]) == (kept["account"], [IDENTITY])


def test_a_state_that_was_lost_brings_the_account_back_without_an_order(
    world: World, authority: Authority, tmp_path: Path
) -> None:
    assert renew(world, authority) == ""
    account = world.kept()["account"]
    (world.state / "state.json").unlink()
    looks = authority.looks
    assert renew(world, authority) == ""
    assert (world.kept()["account"], authority.looks) == (account, looks)


def test_a_look_on_the_machine_that_deploys_makes_its_account_known_once(
    world: World, authority: Authority
) -> None:
    """The certificate is one that the host got before, with another account."""
    assert renew(world, authority) == ""
    theirs = world.kept()["account"]
    for name in ("state.json", "account.pem"):
        (world.state / name).unlink()
    looked = ("--ca", authority.gateway.directory, "--profile", "ordinary", "--look")
    assert world.renew(*looked).code == 0
    account = world.kept()["account"]
    assert account and account != theirs
    authority.gateway.asked.clear()
    assert world.renew(*looked).code == 0
    assert world.kept()["account"] == account and "/sign-me-up" not in authority.gateway.asked


def test_an_authority_that_lets_nobody_in_is_no_failure_as_long_as_nothing_is_due(
    world: World, authority: Authority
) -> None:
    assert renew(world, authority) == ""
    (world.state / "state.json").unlink()
    refusal = Refusal(403, "unauthorized")
    authority.gateway.refuse = lambda path: refusal if path == "/sign-me-up" else None
    assert renew(world, authority) == ""
    assert (world.kept()["succeeded"], world.kept()["account"]) == (True, "")
