"""The steps about hooks: a unit for each hook of the inventory, and nothing of any other."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace

from pyinfra import context, logger
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError

from dns.inventory.hooks.values import Hook
from provision.desired import archive
from provision.desired.archive import Platform
from provision.desired.heartbeat import telling_failures
from provision.desired.hooks import BASIC, SECRET, WantedHooks, wanted_hook
from provision.hooks import secret, units
from provision.host import layout, probe
from provision.host.observed import Observed
from provision.host.services.hooks import Hook as There
from provision.host.services.hooks import Hooks
from provision.run.inventory import inventory, mail_host
from provision.run.step import Command, Decision, observe, step, untouched


def prepare() -> None:
    """Look at the hooks before anything is touched, and say what this deploy will do. Raises DeployError.

    A user that runs a command must be on the host, and a secret that is handed over must be one.
    """
    hooks, seen = mail_host().hooks, observe()
    problems = [found for hook in hooks if (found := secret.problem(hook))]
    problems += _missing(hooks)
    if problems:
        raise DeployError(untouched(problems))
    for line in announced(hooks, seen.hooks):
        logger.info(f"{context.host.print_prefix}{line}")
    for line in left_behind(hooks, seen.hooks):
        logger.warning(f"{context.host.print_prefix}{line}")


def _missing(hooks: tuple[Hook, ...]) -> Iterator[str]:
    """The users that the host lacks. A command that it lacks is said, because it may come later."""
    commands = [hook for hook in hooks if hook.command]
    if not commands:
        return
    from pyinfra.facts.server import Command as Output  # late: a plain deploy has no use for it

    asked = [
        line
        for hook in commands
        for line in (
            f"id -u {hook.user} >/dev/null 2>&1 && echo user {hook.user}" if hook.user else "true",
            f"[ -x {shlex.quote(hook.command[0])} ] && echo command {shlex.quote(hook.command[0])}",
        )
    ]
    found = str(context.host.get_fact(Output, command=probe.wrapped("\n".join([*asked, "true"]))) or "")
    said = found.splitlines()
    for hook in commands:
        if hook.user and f"user {hook.user}" not in said:
            yield (
                f"hook {hook.name}: the host has no user {hook.user}: make it, as root on the host, with "
                f"`useradd --system {hook.user}`, or leave user out"
            )
        if f"command {hook.command[0]}" not in said:
            logger.warning(
                f"{context.host.print_prefix}hook {hook.name}: {hook.command[0]} is no program on the host "
                "yet: its mail waits until it is"
            )


def announced(hooks: tuple[Hook, ...], there: Hooks) -> Iterator[str]:
    """What comes and goes with this deploy: a line each. Pure, but for the environment."""
    for hook in hooks:
        if hook.name not in there.units:
            yield f"hook {hook.name} comes: {layout.hook_unit(hook.name)}"
        if hook.url and not there.units.get(hook.name, There()).secret and not secret.given(hook, SECRET):
            yield (
                f"hook {hook.name}: a secret is made for it and shown once; to choose it, set "
                f"{hook.variable('SECRET')}"
            )
    named = {hook.name for hook in hooks}
    for name in there.units:
        if name not in named:
            yield f"hook {name} is not in the inventory: its unit, configuration and secret go"


def left_behind(hooks: tuple[Hook, ...], there: Hooks) -> Iterator[str]:
    """The messages that no hook delivers any more: a line for each queue. Pure."""
    named = {hook.name for hook in hooks}
    for name, queue in there.queues.items():
        if name not in named and queue.kept:
            count = "1 message stays" if queue.kept == 1 else f"{queue.kept} messages stay"
            yield (
                f"hook {name} is not in the inventory: {count} undelivered in {layout.QUEUES}/{name}; "
                f"`letterbox hooks --drop {name}` on the host forgets them (the mail stays), and the "
                "same name in the inventory delivers them"
            )


def _wanted(hooks: tuple[Hook, ...], seen: Observed) -> WantedHooks | None:
    """What the host should have. None if the inventory has no hook."""
    if not hooks:
        return None
    program = archive.digest(Platform(seen.python, seen.machine), archive.HOOKS)
    domains = inventory().domains
    wanted = tuple(wanted_hook(hook, needed_secrets(hook, seen.hooks), domains) for hook in hooks)
    if mail_host().heartbeat:
        wanted = tuple(replace(each, unit=telling_failures(each.unit)) for each in wanted)
    return WantedHooks(program, wanted)


def needed_secrets(hook: Hook, there: Hooks) -> dict[str, str | None]:
    """The secrets that a hook is to have, by kind. None if the host keeps its own, or gets a new one."""
    if hook.command:
        return {}
    basic = secret.given(hook, BASIC)
    needed = {SECRET: secret.given(hook, SECRET) or None}
    if basic or (basic is None and there.units.get(hook.name, There()).basic):
        needed[BASIC] = basic or None
    return needed


@step
def in_place() -> Decision:
    """Each hook of the inventory has its unit, which runs, and no other hook has one."""
    hooks, seen = mail_host().hooks, observe()
    otherwise = "the hooks are as they should be" if hooks else "the inventory has no hook for it"
    return Decision(units.commands(seen, _wanted(hooks, seen)), otherwise)


def _all_of_it(seen: Observed, *, keep_mail: bool) -> Iterator[Command]:
    yield from units.commands(seen, None)
    if seen.hooks.folder and not keep_mail:
        yield StringCommand(f"rm -rf {units.STATES}")


@step
def removed() -> Decision:
    """No hook has a unit. What their commands wrote goes with the mail, if that goes."""
    host = context.host
    keep = host.data.get("remove_mail") != host.name
    return Decision(_all_of_it(observe(), keep_mail=keep), "there are no hooks")
