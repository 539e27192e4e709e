"""The unit and the files of a hook, as the inventory wants them."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from dns.inventory.domain import REPORT_MAILBOX, from_data
from dns.inventory.hooks.values import Hook as Asked
from provision.desired.hooks import wanted_hook
from provision.desired.letterbox_toml import letterbox_toml
from provision.host import layout
from services.hooks import configuration
from tests.provision.hosts import INVENTORY

ORDERS = Asked("orders", ("alice@example.com",), url="https://app.example.net/mail")
SORT = Asked("sort", (), ("example.com",), command=("/usr/local/bin/sort-it",))
URL, COMMAND = wanted_hook(ORDERS, {"secret": None}, ()), wanted_hook(SORT, {}, ())


def test_the_unit_of_a_url_may_go_out_and_that_of_a_command_may_not() -> None:
    assert "IPAddressDeny=link-local multicast" in URL.unit
    assert "LoadCredentialEncrypted=secret:/etc/letterbox/hooks/orders.secret" in URL.unit
    assert "PrivateNetwork=yes" in COMMAND.unit and "network-online" not in COMMAND.unit
    assert "LoadCredential" not in COMMAND.unit
    as_sorter = wanted_hook(replace(SORT, user="sorter"), {}, ()).unit
    assert "User=sorter" in as_sorter and "DynamicUser" not in as_sorter
    for unit in (URL.unit, COMMAND.unit, as_sorter):
        assert "@NAME@" not in unit and "@OWN@" not in unit


@pytest.mark.parametrize("hook", [ORDERS, SORT, replace(ORDERS, url="http://10.0.0.5/", allow_private=True)])
def test_the_program_takes_the_configuration_that_is_rendered(tmp_path: Path, hook: Asked) -> None:
    path = tmp_path / "hook.toml"
    path.write_text(wanted_hook(hook, {}, INVENTORY.domains).config)
    assert "alice@example.com" in configuration.load(path).mailboxes


def test_the_program_is_told_all_mailboxes_of_its_domains() -> None:
    domain = {"mailboxes": ["shop"], "tls_reports": True}
    found, _ = from_data("example.com", domain)
    other, _ = from_data("example.org", {"mailboxes": ["bob"]})
    assert found and other
    hook = replace(SORT, mailboxes=("bob@example.org",))
    told = tomllib.loads(wanted_hook(hook, {}, (found, other)).config)
    assert told["mailboxes"] == sorted(
        ["bob@example.org", "shop@example.com", f"{REPORT_MAILBOX}@example.com"]
    )
    assert tomllib.loads(wanted_hook(ORDERS, {}, (found, other)).config)["mailboxes"] == ["alice@example.com"]


def test_the_receiver_is_told_which_mailboxes_and_nothing_else() -> None:
    host = replace(INVENTORY.hosts[0], hooks=(ORDERS, SORT))
    text = letterbox_toml(host, INVENTORY.domains)
    assert '[hooks.orders]\nmailboxes = [\n    "alice@example.com",\n]\n' in text
    assert '[hooks.sort]\ndomains = [\n    "example.com",\n]\n' in text
    assert "app.example.net" not in text
    assert "hooks" not in letterbox_toml(INVENTORY.hosts[0], INVENTORY.domains)
    assert layout.QUEUES.startswith(layout.MAIL)
