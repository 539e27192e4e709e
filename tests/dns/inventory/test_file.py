"""inventory.py as a file: how it is run, and what is reported about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dns.inventory import Domain, InventoryError, MailHost, from_hosts, load
from tests.dns.example import inventory_text
from tests.dns.inventory.good import GOOD_DOMAIN, GOOD_HOST


def test_a_good_inventory_is_read_as_it_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "inventory.py"
    path.write_text(inventory_text({"mx1.letterbox.test": GOOD_HOST}, {"Letterbox.TEST.": GOOD_DOMAIN}))
    inventory = load(path)
    assert inventory.hosts == (
        MailHost(
            "mx1.letterbox.test", "mx1.letterbox.test", "1.1.1.1", "2606:4700::1111", ssh={"ssh_user": "root"}
        ),
    )
    assert inventory.domains == (
        Domain("letterbox.test", ("alice", "bob"), {"postmaster": ("alice",)}, None, None, "+", 1),
    )
    assert inventory.domain("LETTERBOX.test") is inventory.domains[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mail_hosts = [", "inventory.py:1: "),
        ("x = 1\nmail_hosts = [undefined]", "inventory.py:2: NameError"),
        (
            "hosts = ['mx1.example.com']",
            "inventory.py:1: has no group mail_hosts (it has hosts): rename hosts to mail_hosts",
        ),
        ("mail_hosts = []", "mail_hosts has no host"),
        ("mail_hosts = ([7], {})", "7 is not a host"),
        ("mail_hosts = 7", "has no group mail_hosts"),
        ("mail_hosts = ('mx1.example.com', {})", "must be a list of hosts"),
    ],
)
def test_a_file_that_is_not_an_inventory_is_reported_in_one_line(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "inventory.py"
    path.write_text(text)
    with pytest.raises(InventoryError) as error:
        load(path)
    assert said in str(error.value).splitlines()[0]


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "inventory.py"
    path.write_bytes(b"mail_hosts = 1\0")
    with pytest.raises(InventoryError, match=r"^inventory\.py:(\d+:)? .*null bytes"):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="there is no such file"):
        load(tmp_path / "inventory.py")


def test_the_same_hosts_are_checked_once() -> None:
    hosts = [("mx1.example.com", {**GOOD_HOST, "domains": {"example.com": GOOD_DOMAIN}})]
    assert from_hosts(iter(hosts)) is from_hosts(iter(hosts))


def test_hosts_that_differ_are_checked_again_even_if_they_compare_equal() -> None:
    data = {**GOOD_HOST, "domains": {"example.com": GOOD_DOMAIN}}
    assert from_hosts([("mx1.example.com", {**data, "workers": 1})]).hosts[0].workers == 1
    with pytest.raises(InventoryError, match="workers must be a whole number"):
        from_hosts([("mx1.example.com", {**data, "workers": True})])


def test_hosts_whose_data_is_changed_in_place_are_checked_again() -> None:
    data = {**GOOD_HOST, "domains": {"example.com": dict(GOOD_DOMAIN)}}
    assert from_hosts([("mx1.example.com", data)]).domains[0].ttl == 1
    data["domains"]["example.com"]["ttl"] = 600
    assert from_hosts([("mx1.example.com", data)]).domains[0].ttl == 600
