"""What a host should be, from the inventory."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace

import pytest

from dns.inventory import Domain, InventoryError, from_hosts
from provision.desired import archive
from provision.desired.archive import Platform
from provision.desired.letterbox_toml import letterbox_toml
from provision.desired.state import checks, for_host
from provision.host.layout import SERVICE_UNIT
from receiver.config.values import MOST_WORKERS
from tests.provision.hosts import BARE, INVENTORY, RELEASE, WANTED


def test_the_configuration_says_what_the_inventory_says() -> None:
    assert tomllib.loads(WANTED.configuration) == {
        "hostname": "mx1.example.com",
        "mail": "/var/lib/letterbox/mail",
        "workers": 1,
        "checks": {
            "resolver": "/run/systemd/resolve/io.systemd.Resolve",
            "names": ["mx1.example.com"],
        },
        "tls": {
            "certificate": "/etc/letterbox/tls/certificate.pem",
            "key": "/etc/letterbox/tls/key.pem",
        },
        "domains": {
            "example.com": {
                "mailboxes": ["alice", "bob"],
                "aliases": {"postmaster": ["alice"]},
                "subaddress_separators": "+",
            },
        },
    }


def test_odd_local_parts_are_quoted_as_toml_wants() -> None:
    odd = 'o"\\brien {x}#\u00fc'
    domain = Domain("example.com", (odd,), {odd + "2": (odd,)}, odd, None, "+-", 1)
    read = tomllib.loads(letterbox_toml(WANTED.host, (domain,)))["domains"]["example.com"]
    assert read["mailboxes"] == [odd]
    assert read["aliases"] == {odd + "2": [odd]}
    assert read["catch_all"] == odd


def test_workers_get_their_memory_and_their_tasks() -> None:
    host = replace(WANTED.host, workers=3)
    assert tomllib.loads(letterbox_toml(host, INVENTORY.domains))["workers"] == 3
    wanted = for_host(replace(INVENTORY, hosts=(host,)), "mx1.example.com", RELEASE)
    limits = [
        dict(re.findall("^(MemoryMax|TasksMax)=(.*)", each.units[SERVICE_UNIT], re.MULTILINE))
        for each in (WANTED, wanted)
    ]
    assert limits == [{"MemoryMax": "512M", "TasksMax": "128"}, {"MemoryMax": "1536M", "TasksMax": "384"}]
    assert wanted.generation != WANTED.generation


def test_headers_are_logged_only_if_the_inventory_asks() -> None:
    checked = checks(INVENTORY, WANTED.host, own_resolver=False)
    plain, asked = (
        letterbox_toml(replace(WANTED.host, log_headers=asked), INVENTORY.domains, checked)
        for asked in (False, True)
    )
    assert plain == WANTED.configuration
    assert "log_headers" not in plain
    assert tomllib.loads(asked) == {**tomllib.loads(plain), "log_headers": True}


def test_without_checks_the_file_is_the_one_of_before_there_were_options() -> None:
    host = replace(WANTED.host, checks=False)
    unchecked = for_host(replace(INVENTORY, hosts=(host,)), "mx1.example.com", RELEASE, own_resolver=True)
    assert not unchecked.own_resolver
    assert unchecked.configuration.startswith(
        "# Letterbox: the deploy writes this file from inventory.py. Edit inventory.py and deploy again:\n"
        "# the next deploy undoes every change that is made here.\n"
        "\n"
        'hostname = "mx1.example.com"\n'
        'mail = "/var/lib/letterbox/mail"\n'
        "workers = 1\n"
        "\n"
        "[tls]\n"
    )


def test_a_host_whose_resolved_cannot_be_asked_gets_a_resolver_of_ours() -> None:
    own = for_host(INVENTORY, "mx1.example.com", RELEASE, own_resolver=True)
    assert own.own_resolver
    resolver = tomllib.loads(own.configuration)["checks"]["resolver"]
    assert resolver == "/run/letterbox-resolver/io.systemd.Resolve"
    assert own.generation != WANTED.generation
    assert own.units == WANTED.units


def test_results_with_the_name_of_any_host_are_ours() -> None:
    second = replace(WANTED.host, name="two", hostname="mx2.example.com", checks=False)
    both = replace(INVENTORY, hosts=(second, WANTED.host))
    read = tomllib.loads(for_host(both, "mx1.example.com", RELEASE).configuration)
    assert read["checks"]["names"] == ["mx1.example.com", "mx2.example.com"]
    assert "checks" not in tomllib.loads(for_host(both, "two", RELEASE).configuration)


def test_forged_mail_is_rejected_only_if_the_domain_asks() -> None:
    asking = tuple(replace(each, reject_forged=True) for each in INVENTORY.domains)
    read = tomllib.loads(letterbox_toml(WANTED.host, asking))
    assert read["domains"]["example.com"]["reject_forged"] is True
    assert "reject_forged" not in WANTED.configuration


def test_the_receiver_takes_as_many_workers_as_the_inventory() -> None:
    with pytest.raises(InventoryError, match=f"from 1 to {MOST_WORKERS},"):
        from_hosts([("mx1.example.com", {"workers": 0, "domains": {}})])


def test_several_domains_stand_one_after_the_other() -> None:
    other = Domain("example.net", ("carol",), {}, None, False, "", 1)
    read = tomllib.loads(letterbox_toml(WANTED.host, (*INVENTORY.domains, other)))
    assert list(read["domains"]) == ["example.com", "example.net"]


@pytest.mark.parametrize("changed", [{"release": "0"}, {"configuration": "x"}, {"units": {}}])
def test_whatever_a_service_starts_with_makes_another_generation(changed) -> None:
    assert replace(WANTED, **changed).generation != WANTED.generation


def test_the_same_inventory_is_the_same_generation() -> None:
    assert for_host(INVENTORY, "mx1.example.com", RELEASE).generation == WANTED.generation


def test_a_new_python_on_the_host_leads_to_a_new_release() -> None:
    assert archive.digest(Platform("3.15", BARE.machine)) != WANTED.release
