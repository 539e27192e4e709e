"""The frame that every step of a deploy stands in.

A step looks at the host (`observe`), decides what is missing by a pure function, and returns a `Decision`.
The frame runs the commands that are needed, or says why none is needed.

    @step
    def units() -> Decision:
        return Decision(unit_commands(observe(), desired()), "the units are as they should be")
"""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any

from pyinfra import context, logger
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.api.operation import operation
from pyinfra.api.state import State

from provision.host import layout, probe
from provision.host.fact import HostObservation, Unreadable
from provision.host.observed import Observed
from provision.run.refusal import refuse

PATIENCE = 900
"""Seconds for which a command waits for that of another deploy. Installing packages may take minutes."""
_LATE = 75  # EX_TEMPFAIL of sysexits(3)

Command = StringCommand | FunctionCommand
"""A string is one ssh execution on the host; a function runs on the control machine."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a step has decided about a host."""

    needed: Iterable[Command]
    """What makes the host as it should be, in order; empty if it is so already."""
    otherwise: str = ""
    """Why nothing is needed. `pyinfra -v` shows it."""


def step(decide: Callable[[], Decision], *, is_idempotent: bool = True) -> Callable[..., Any]:
    """The pyinfra operation that carries out what `decide` decides.

    While a run looks for changes (a dry run, or before the prompt), a DeployError ends it with its text.
    While it executes, a DeployError fails this host alone; an exception would stop all hosts, with a
    traceback.
    """

    @operation(is_idempotent=is_idempotent)
    @functools.wraps(decide)
    def carried_out() -> Generator[Command, None, None]:
        try:
            decision = decide()
            needed = list(decision.needed)
        except DeployError as error:
            if not context.state.is_executing:
                refuse(str(error))
            yield FunctionCommand(_fail, (str(error),), {})
            return
        if not needed:
            context.host.noop(decision.otherwise)
            return
        yield from (for_any_shell(alone(command)) for command in needed)
        if any(isinstance(command, StringCommand) for command in needed):
            forget()

    return carried_out


def alone(command: Command) -> Command:
    """The command as it runs while no command of another deploy does: both write the same temporary files.

    flock(1) ends with the command, so a deploy that was killed holds nothing up. With `-o` no program that
    the command starts keeps the lock.
    """
    if not isinstance(command, StringCommand):
        return command
    late = f"echo 'another deploy works on this host: for {PATIENCE} s it has not ended' >&2"
    text = (
        f"flock -o -w {PATIENCE} -E {_LATE} {layout.LOCK} sh -c {shlex.quote(command.get_raw_value())}; "
        f"code=$?; [ $code != {_LATE} ] || {late}; exit $code"
    )
    return StringCommand("sh -c", shlex.quote(text), **command.connector_arguments)


def for_any_shell(command: Command) -> Command:
    """The command in a form that every login shell hands to sh as it is.

    pyinfra quotes it for sh, but the login shell reads it first. fish and csh read backslashes, newlines and
    exclamation marks inside quotes in other ways. Commands without any of these stay readable.
    """
    if not isinstance(command, StringCommand):
        return command
    text = command.get_raw_value()
    if not set(text) & set("\\\n!"):
        return command
    return StringCommand(f'sh -c "$(echo {probe.encoded(text)} | base64 -d)"', **command.connector_arguments)


def _fail(state: State, host: Host, reason: str) -> bool:
    host.log_styled(reason, fg="red", log_func=logger.error)
    return False


def after_prompt() -> bool:
    """Whether pyinfra has asked the user to confirm since the run began.

    What was read before the prompt is not trusted after it, because any time may have passed.
    """
    return bool(context.state.is_executing and context.state.should_check_for_changes())


_observed: dict[tuple[str, bool], Observed] = {}  # by host, and by `after_prompt`
_changed: set[str] = set()  # the hosts


def observe(host: Host | None = None) -> Observed:
    """What the host is now. It is read once, and again after something was changed or the user was asked.

    Raises DeployError if the host did not answer (pyinfra has shown why), or not as the probe does.
    """
    host = context.host if host is None else host
    key = (host.name, after_prompt())
    if key not in _observed:
        named = tuple(host.data.get("firewalld_zones") or ())
        seen = host.get_fact(HostObservation, named_zones=named)
        if seen is None:
            raise DeployError(
                f"{host.name}: the host did not answer (the lines above say why): connect as root, "
                "or as a user who may `sudo` without a password"
            )
        if isinstance(seen, Unreadable):
            raise DeployError(f"{host.name}: {seen.reason}")
        _observed[key] = seen
    return _observed[key]


def forget() -> None:
    """Drop what is known of this host: a step has just changed it."""
    _changed.add(context.host.name)
    for key in [key for key in _observed if key[0] == context.host.name]:
        del _observed[key]


def has_changed_a_host() -> bool:
    """Whether a step of this run has changed a host so far."""
    return bool(_changed)


def untouched(problems: Iterable[str]) -> str:
    """Why nothing was done to this host, a line for each problem."""
    return "\n".join(f"{context.host.name}: {problem}. Nothing was changed." for problem in problems)
