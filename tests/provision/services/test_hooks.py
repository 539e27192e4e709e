"""The step that brings the hooks: what it decides, from what the host has and the inventory wants."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from pyinfra.api.command import FunctionCommand

from dns.inventory.hooks.values import Hook as Asked
from provision.desired import archive
from provision.desired.files import sha256
from provision.desired.hooks import WantedHook, WantedHooks, wanted_hook
from provision.hooks import secret
from provision.hooks.steps import announced, left_behind, needed_secrets
from provision.hooks.units import commands
from provision.host.services.hooks import Hook, Hooks, Queue
from tests.provision.hosts import DEPLOYED

ORDERS = Asked("orders", ("alice@example.com",), url="https://app.example.net/mail")
SORT = Asked("sort", (), ("example.com",), command=("/usr/local/bin/sort-it",))
SECRET, OTHER = "whsec_" + "A" * 32, "whsec_" + "B" * 32
URL, COMMAND = wanted_hook(ORDERS, {"secret": None}, ()), wanted_hook(SORT, {}, ())
WANTED = WantedHooks("0123456789abcdef", (URL, COMMAND))


def there(hook: WantedHook, **changed: object) -> Hook:
    found = Hook(sha256(hook.unit), sha256(hook.config), sha256(SECRET) if hook.secrets else "", runs=True)
    return replace(found, **changed)  # type: ignore[arg-type]


FINE = Hooks(
    folder=True,
    group=True,
    program=WANTED.program,
    units={"orders": there(URL), "sort": there(COMMAND)},
    queues={name: Queue(is_right=True) for name in ("orders", "sort")},
)


def words(now: Hooks, wanted: WantedHooks | None = WANTED) -> list[str]:
    """What the step would do, a text for each command."""
    return [
        each.function.__name__ if isinstance(each, FunctionCommand) else each.get_raw_value()
        for each in commands(replace(DEPLOYED, hooks=now), wanted)
    ]


def test_a_host_that_is_as_it_should_be_is_left_alone() -> None:
    assert words(FINE) == []
    assert words(Hooks(), None) == []


@pytest.mark.parametrize(
    ("changed", "done"),
    [
        ({"needs_reload": True}, ["systemctl daemon-reload"]),
        ({"is_old": True}, ["systemctl restart letterbox-hook-orders.service"]),
        ({"runs": False}, ["systemctl enable -q letterbox-hook-orders.service"]),
        ({"unit": "old"}, ["letterbox-hook-orders.service.new", "daemon-reload", "systemctl restart"]),
        ({"config": ""}, ["/etc/letterbox/hooks/orders.toml.new", "systemctl restart"]),
        ({"secret": ""}, ["make", "systemctl restart"]),
        ({"basic": "9" * 64}, ["rm -f /etc/letterbox/hooks/orders.basic", "systemctl restart"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_differs_is_put_right_and_nothing_else(changed: dict[str, object], done: list[str]) -> None:
    found = words(replace(FINE, units={**FINE.units, "orders": there(URL, **changed)}))
    assert len(found) == len(done)
    assert all(part in command for part, command in zip(done, found, strict=True)), found
    assert not any("letterbox-hook-sort" in command for command in found)


def test_a_queue_with_another_group_is_put_right_before_its_unit_starts_anew() -> None:
    (command,) = words(replace(FINE, queues={"orders": Queue(), "sort": FINE.queues["sort"]}))
    assert command.index("letterbox hooks --prepare orders") < command.index("systemctl restart")


def test_the_folder_comes_first_and_goes_last_and_so_does_the_unit_of_a_hook(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "archive", lambda platform, program: b"")  # it would be built
    came = words(Hooks())
    assert came[0] == "install -d -m 700 -o root -g root /etc/letterbox/hooks"
    assert came[1] == "groupadd --system --force letterbox-hooks"
    files = [each for each in came if "orders" in each or each == "make"]
    assert "letterbox-hook-orders.service.new" in files[0]
    assert "orders.toml.new" in files[1]
    assert files[2] == "make"
    (gone,) = words(FINE, None)
    assert gone.index("hooks/orders.*") < gone.index(
        "rm -f /etc/systemd/system/letterbox-hook-orders.service"
    )
    assert gone.rstrip("'").endswith("rm -rf /etc/letterbox/hooks")
    assert "groupdel letterbox-hooks" in gone and "rm -rf /opt/letterbox/hooks" in gone


def test_one_of_two_goes_and_the_other_is_not_touched() -> None:
    found = words(FINE, WantedHooks(WANTED.program, (URL,)))
    assert len(found) == 2
    assert "disable -q --now letterbox-hook-sort.service" in found[0]
    assert found[1] == "systemctl daemon-reload"
    assert not any("orders" in command for command in found)


def test_a_secret_that_is_handed_over_is_encrypted_and_is_in_no_command() -> None:
    same, other = (
        WantedHooks(WANTED.program, (replace(URL, secrets={"secret": each}), COMMAND))
        for each in (SECRET, OTHER)
    )
    assert words(FINE, same) == []
    first, *_ = commands(replace(DEPLOYED, hooks=FINE), other)
    assert not isinstance(first, FunctionCommand)
    assert (
        OTHER not in first.get_raw_value()
        and "systemd-creds encrypt --with-key=host" in first.get_raw_value()
    )
    assert first.connector_arguments["_stdin"] == OTHER


@pytest.mark.parametrize(
    ("hook", "environment", "said"),
    [
        (ORDERS, {}, ""),
        (ORDERS, {"LETTERBOX_HOOK_SECRET_ORDERS": SECRET, "LETTERBOX_HOOK_BASIC_ORDERS": "user:hush"}, ""),
        (ORDERS, {"LETTERBOX_HOOK_SECRET_ORDERS": f"{SECRET} {OTHER}"}, ""),
        (ORDERS, {"LETTERBOX_HOOK_SECRET_OTHER": "x"}, ""),
        (ORDERS, {"LETTERBOX_HOOK_SECRET_ORDERS": "hush"}, "LETTERBOX_HOOK_SECRET_ORDERS is not whsec_"),
        (ORDERS, {"LETTERBOX_HOOK_SECRET_ORDERS": "whsec_aGk="}, "24 to 64 octets"),
        (ORDERS, {"LETTERBOX_HOOK_SECRET_ORDERS": "whsec_hush!"}, "24 to 64 octets"),
        (ORDERS, {"LETTERBOX_HOOK_BASIC_ORDERS": "hush"}, "is not of the form user:password"),
        (ORDERS, {"LETTERBOX_HOOK_BASIC_ORDERS": ":hush"}, "is not of the form user:password"),
        (SORT, {"LETTERBOX_HOOK_SECRET_SORT": SECRET}, "runs a command, which has none"),
    ],
)
def test_a_secret_of_another_form_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, hook: Asked, environment: dict[str, str], said: str
) -> None:
    monkeypatch.setattr(os, "environ", environment)
    found = secret.problem(hook)
    assert (said in found, bool(found), "hush" in found) == (True, bool(said), False)


@pytest.mark.parametrize(
    ("environment", "now", "needed"),
    [
        ({}, Hook(), {"secret": None}),
        ({}, Hook(basic="9"), {"secret": None, "basic": None}),
        ({"LETTERBOX_HOOK_SECRET_ORDERS": f" {SECRET}\n"}, Hook(), {"secret": SECRET}),
        ({"LETTERBOX_HOOK_BASIC_ORDERS": "a:b"}, Hook(basic="9"), {"secret": None, "basic": "a:b"}),
        ({"LETTERBOX_HOOK_BASIC_ORDERS": ""}, Hook(basic="9"), {"secret": None}),
    ],
)
def test_what_the_environment_does_not_say_stays_and_what_it_empties_goes(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], now: Hook, needed: dict[str, str | None]
) -> None:
    monkeypatch.setattr(os, "environ", environment)
    assert needed_secrets(ORDERS, Hooks(units={"orders": now})) == needed
    assert needed_secrets(SORT, Hooks()) == {}


def test_no_program_that_this_machine_starts_gets_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ("LETTERBOX_HOOK_SECRET_ORDERS", "LETTERBOX_HEARTBEAT_MX1", "CLOUDFLARE_API_TOKEN")
    monkeypatch.setattr(os, "environ", {**dict.fromkeys(secrets, "x"), "PATH": "/bin"})
    assert archive.without_secrets() == {"PATH": "/bin"}


def test_what_comes_goes_and_stays_undelivered_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    assert list(announced((ORDERS,), FINE)) == [
        "hook sort is not in the inventory: its unit, configuration and secret go"
    ]
    assert "LETTERBOX_HOOK_SECRET_ORDERS" in "\n".join(announced((ORDERS,), Hooks()))
    queues = {"sort": Queue(2, 1), "old": Queue(1), "empty": Queue(), "orders": Queue(5)}
    lines = list(left_behind((ORDERS,), replace(FINE, queues=queues)))
    assert [line.partition(" in /")[0] for line in lines] == [
        "hook sort is not in the inventory: 3 messages stay undelivered",
        "hook old is not in the inventory: 1 message stays undelivered",
    ]
