"""The hooks: each of the inventory has its unit, shut in, and nothing of any other is there."""

from __future__ import annotations

import re

from provision.host import layout
from provision.host.layout import hook_unit


def test_the_units_are_those_of_the_inventory_and_run(host, mail_host) -> None:
    found = host.run(f"cd {layout.UNIT_FOLDER} && ls -d letterbox-hook-*.service").stdout.split()
    assert found == sorted(hook_unit(hook.name) for hook in mail_host.hooks)
    for unit in found:
        service = host.service(unit)
        assert service.is_enabled and service.is_running, unit


def test_without_a_hook_there_is_neither_program_nor_group_nor_secret(host, mail_host) -> None:
    found = [path for path in (layout.HOOKS_PROGRAM, layout.HOOKS_FOLDER) if host.file(path).exists]
    wanted = [layout.HOOKS_PROGRAM, layout.HOOKS_FOLDER] if mail_host.hooks else []
    assert found == wanted
    assert host.group(layout.HOOKS_GROUP).exists is bool(mail_host.hooks)


def test_each_is_sandboxed_and_a_command_has_no_network(host, mail_host) -> None:
    for hook in mail_host.hooks:
        said = host.check_output(f"systemd-analyze security --no-pager {hook_unit(hook.name)}")
        exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
        assert exposure and float(exposure[1]) <= (0.6 if hook.command else 1.1), said.splitlines()[-1]


def test_not_even_root_sees_more_in_there_than_the_hooks_own_queue(host, mail_host) -> None:
    for hook in mail_host.hooks:
        pid = host.check_output(f"systemctl show -p MainPID --value {hook_unit(hook.name)}")
        seen = f"nsenter --target {pid} --mount find /etc/letterbox {layout.MAIL} -maxdepth 2"
        assert sorted(host.check_output(seen).split()) == [
            "/etc/letterbox",
            layout.HOOKS_FOLDER,
            f"{layout.HOOKS_FOLDER}/{hook.name}.toml",
            layout.MAIL,
            layout.QUEUES,
            f"{layout.QUEUES}/{hook.name}",
        ]


def test_secrets_are_roots_alone_and_the_queue_is_the_groups(host, mail_host) -> None:
    for hook in mail_host.hooks:
        for path in host.run(f"ls -d {layout.HOOKS_FOLDER}/{hook.name}.secret*").stdout.split():
            file = host.file(path)
            assert (file.user, file.group, oct(file.mode)) == ("root", "root", oct(0o600))
        for part, mode in (("", 0o750), ("/pending", 0o770), ("/dead", 0o770), ("/state", 0o770)):
            file = host.file(f"{layout.QUEUES}/{hook.name}{part}")
            assert (file.user, file.group, file.mode) == (layout.USER, layout.HOOKS_GROUP, mode)
