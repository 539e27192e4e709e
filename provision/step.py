"""The combined fact, and the frame that every operation of ours stands in.

Stock facts cost one ssh execution each, and pyinfra does not keep them: twelve operations with nothing to
do are twenty round trips. Here one execution answers for all of them, and its answer is kept until an
operation changes something.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from pyinfra import context, logger
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.api.state import State

from provision.host.fact import HostObservation, Unreadable
from provision.host.observed import Observed

Commands = Generator[StringCommand | FunctionCommand, None, None]
"""What an operation yields: each string is one ssh execution, each function runs here."""


Moment = bool
"""Whether the user has been asked since the run began: any time may have passed at the prompt."""


def moment() -> Moment:
    """The part of the run that this is. What was read in one is not trusted in the next."""
    return bool(context.state.is_executing and context.state.should_check_for_changes())


_kept: dict[tuple[str, Moment], Observed] = {}


def observe(host: Host | None = None) -> Observed:
    """What the host is now: read once, and again after anything was changed or the user was asked.

    Raises:
        DeployError: the host did not answer (its reason is already on the screen), or not as it should.
    """
    host = context.host if host is None else host
    key = (host.name, moment())
    if key not in _kept:
        named = tuple(host.data.get("firewalld_zones") or ())
        seen = host.get_fact(HostObservation, named_zones=named)
        if seen is None:
            raise DeployError(
                f"{host.name}: could not look at the host: connect as root, or as a user who may `sudo` "
                "without a password (see the lines above)"
            )
        if isinstance(seen, Unreadable):
            raise DeployError(
                f"{host.name}: what it answered cannot be read ({seen}): see what "
                "`pyinfra -vvv inventory.py fact provision.host.fact.HostObservation` shows"
            )
        _kept[key] = seen
    return _kept[key]


def forget(host: Host | None = None) -> None:
    """What is known of the host is out of date: an operation has just changed it."""
    name = (context.host if host is None else host).name
    for key in [key for key in _kept if key[0] == name]:
        del _kept[key]


def changes(needed: Iterable[StringCommand], already: str) -> Commands:
    """The frame of an operation: run what is needed; where nothing is, say why (`pyinfra -v` shows it)."""
    commands = list(needed)
    if not commands:
        context.host.noop(already)
        return
    yield from commands
    forget()


def untouched(problems: Iterable[str]) -> str:
    """Why nothing was done to this host, a line for each problem."""
    return "\n".join(f"{context.host.name}: {problem}. Nothing was changed." for problem in problems)


def refuse(reason: str) -> Commands:
    """Fail this host's operation with one line: at once while looking, in its turn while executing.

    An exception raised while executing would stop all hosts, with a traceback.
    """
    if not context.state.is_executing:
        raise DeployError(reason)
    yield FunctionCommand(_fail, (reason,), {})


def _fail(state: State, host: Host, reason: str) -> bool:
    host.log_styled(reason, fg="red", log_func=logger.error)
    return False
