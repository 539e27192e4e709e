"""The units of the hooks, from what the host has: making what is missing, and taking away what is not wanted.

The folder of the hooks comes first and goes last, and so does the unit of a hook among its files. So a run
that was cut off is seen by the next one.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from pyinfra.api.command import FunctionCommand, StringCommand

from provision.desired import archive
from provision.desired.files import Text, sha256, text_commands, unit_commands
from provision.desired.hooks import KINDS, SECRET, WantedHook, WantedHooks
from provision.hooks import secret
from provision.host import layout
from provision.host.layout import hook_unit
from provision.host.observed import Observed
from provision.host.services.hooks import Hook, Queue
from provision.release import program_commands
from provision.run.step import Command

_GROUP, _FOLDER = layout.HOOKS_GROUP, layout.HOOKS_FOLDER
STATES = "/var/lib/private/letterbox-hook-*"
"""Where commands without a user of the host keep what they write."""


def commands(seen: Observed, wanted: WantedHooks | None) -> Iterator[Command]:
    """Make what is missing, or take all of it away. Raises DeployError if the program cannot be built."""
    now = seen.hooks
    if wanted is None:
        if now.folder:
            yield removal(now.units)
        return
    if not now.folder:
        yield StringCommand(f"install -d -m 700 -o root -g root {_FOLDER}")
    if not now.group:
        yield StringCommand(f"groupadd --system --force {_GROUP}")
    if now.program != wanted.program:
        yield from program_commands(
            seen, archive.HOOKS, wanted.program, into=layout.HOOKS_PROGRAM, called="the program of the hooks"
        )
    changed: list[str] = []
    reload = any(hook.needs_reload for hook in now.units.values())
    for hook in wanted.hooks:
        there = now.units.get(hook.name, Hook())
        needed = list(_file_commands(seen, hook, there))
        yield from needed
        reload = reload or there.unit != sha256(hook.unit)
        if needed or now.program != wanted.program or there.is_old:
            changed.append(hook.name)
    gone = [name for name in now.units if name not in {hook.name for hook in wanted.hooks}]
    if gone:
        yield StringCommand("sh -c", shlex.quote("\n".join(["set -u", *map(_gone, gone)])))
    if reload or gone:
        yield StringCommand("systemctl daemon-reload")
    for hook in wanted.hooks:
        there, queue = now.units.get(hook.name, Hook()), now.queues.get(hook.name, Queue())
        if not there.runs or hook.name in changed or not queue.is_right:
            yield _start(hook.name, prepare=not queue.is_right, enable=not there.runs)


def _file_commands(seen: Observed, hook: WantedHook, there: Hook) -> Iterator[Command]:
    """Write the unit, the configuration and the secrets of a hook that are not there."""
    if there.unit != sha256(hook.unit):
        yield from unit_commands(seen, hook_unit(hook.name), hook.unit)
    if there.config != sha256(hook.config):
        path = f"{_FOLDER}/{hook.name}.toml"
        yield from text_commands(seen, Text(path, hook.config, "root", _GROUP, "640"))
    for kind in KINDS:
        digest = there.secret if kind == SECRET else there.basic
        if kind not in hook.secrets:
            if digest:
                yield StringCommand(f"rm -f {_FOLDER}/{hook.name}.{kind} {_FOLDER}/{hook.name}.{kind}.sha256")
            continue
        value = hook.secrets[kind]
        if value is not None and digest != sha256(value):
            yield secret.encrypted(hook.name, kind, value)
        elif value is None and not digest and kind == SECRET:
            yield FunctionCommand(secret.make, (hook.name,), {})


def _start(name: str, *, prepare: bool, enable: bool) -> StringCommand:
    """Start a unit anew, so that it runs with what is in place. If it cannot, its journal says why.

    The receiver may have made the folders of the queue already. They get the group of the hooks first.
    """
    unit = hook_unit(name)
    shell = (
        *((f"{layout.COMMAND} hooks --prepare {name}",) if prepare else ()),
        *((f"systemctl enable -q {unit}",) if enable else ()),
        f"systemctl restart {unit}",
    )
    why = f"journalctl -u {unit} -n 5 --no-pager -o cat >&2; false"
    return StringCommand("sh -c", shlex.quote(f"{{ {' && '.join(shell)}; }} || {{ {why}; }}"))


def _gone(name: str) -> str:
    """Shell that takes a hook away: its unit last. An empty queue goes; the messages of another one stay.

    What lies in the queue belongs to two users, so it is touched as the mail's user alone: a link in it leads
    nowhere that this user may not go.
    """
    unit, queue = hook_unit(name), f"{layout.QUEUES}/{name}"
    tidy = (
        f'cd {queue} 2>/dev/null || exit 0; if [ -z "$(find pending dead -mindepth 1 -print -quit)" ]; '
        f"then cd .. && rm -rf {name}; else chgrp {layout.USER} . pending dead state; "
        "chmod 700 . pending dead state; fi"
    )
    return (
        f"systemctl disable -q --now {unit}\n"
        f"rm -f {_FOLDER}/{name}.*\n"
        f"runuser -u {layout.USER} -- sh -c {shlex.quote(tidy)}\n"
        f"rm -f {layout.UNIT_FOLDER}/{unit}"
    )


def removal(names: Iterable[str]) -> StringCommand:
    """Take these hooks away, with the program, the group and the folder. Their messages stay."""
    shell = f"""\
set -u
{chr(10).join(map(_gone, names))}
rm -rf {layout.HOOKS_PROGRAM}
systemctl daemon-reload
if getent group {_GROUP} >/dev/null; then groupdel {_GROUP}; fi
rm -rf {_FOLDER}"""
    return StringCommand("sh -c", shlex.quote(shell))
