"""Generations: what ran and greeted, kept whole, so that there is something to go back to.

A generation is a release with its configuration and units. When one has been started and greets, a copy of
its files is recorded under its name, and the last three are kept. If a new one does not greet, the deploy
goes back to the last one that did. `rollback.py` goes back by hand.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping

from pyinfra import context, logger
from pyinfra.api.command import FunctionCommand, QuoteString, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.api.state import State

from provision.desired.files import still, still_link
from provision.desired.state import Desired
from provision.host import layout
from provision.host.greeting import READ_GREETING
from provision.host.observed import Generation, Observed
from provision.run.step import Decision, observe, step, untouched
from provision.withdrawal.guard import rolling_back

KEPT = 3

_AWAIT_GREETING = f"""\
{READ_GREETING}
import sys, time
late, last = time.monotonic() + 15, ""
while time.monotonic() < late:
    try:
        last = read_greeting("127.0.0.1", 5)
        if last[:3] == "220": sys.exit(0)
    except OSError as error: last = str(error)
    time.sleep(0.1)
sys.exit(f"letterbox.service did not greet on 127.0.0.1:25 within 15 s: {{last or 'silence'}}")
"""

RESTART = f"systemctl restart {layout.SERVICE_UNIT} && python3 -c {shlex.quote(_AWAIT_GREETING)}"
"""Shell. It ends with 0 when the service has been restarted and greets."""

_WHY_NOT_OPEN = (
    f"journalctl -u {layout.SOCKET_UNIT} -n 5 --no-pager -o cat >&2; "
    "echo 'What listens on port 25:' >&2; ss -Hltnp 'sport = :25' >&2"
)
OPEN_SOCKET = (
    f"systemctl stop {layout.SERVICE_UNIT} {layout.SOCKET_UNIT} && "
    f"{{ systemctl start {layout.SOCKET_UNIT} || {{ {_WHY_NOT_OPEN}; false; }}; }}"
)
"""Shell that opens the socket anew, as its unit says. The service must be down while systemd opens it."""

_WHY_NOT_STARTED = (
    f"journalctl -u {layout.SERVICE_UNIT} -n 20 --no-pager -o cat >&2; "
    f"timeout 60 {layout.COMMAND} doctor --text </dev/null >&2"
)


def record(name: str, release: str) -> str:
    """Shell that keeps what is in place now as this generation, the newest."""
    kept = f"{layout.GENERATIONS}/{name}"
    units = " ".join(f"{layout.UNIT_FOLDER}/{unit}" for unit in layout.UNITS)
    return " && ".join(
        (
            f"rm -rf {kept}.new",
            f"install -d -m 750 -o root -g {layout.USER} {kept}.new",
            f"cp -p {layout.CONFIGURATION} {units} {kept}.new/",
            f"ln -s ../../releases/{release} {kept}.new/release",
            f"rm -rf {kept}",
            f"mv -T {kept}.new {kept}",
        )
    )


def mark(name: str) -> str:
    """What the file `generation` says. The service has it in its environment."""
    return f"LETTERBOX_GENERATION={name}\n"


def write_mark(name: str) -> str:
    """Shell that writes this file."""
    new = f"{layout.GENERATION}.new"
    return f"(umask 022; echo {mark(name).strip()} > {new}) && mv -fT {new} {layout.GENERATION}"


def restore(generation: Generation) -> str:
    """Shell that puts a recorded generation back in place and starts it. It ends with 0 when it greets."""
    kept = f"{layout.GENERATIONS}/{generation.name}"
    places = {
        layout.CONFIGURATION: f"{kept}/letterbox.toml",
        **{f"{layout.UNIT_FOLDER}/{unit}": f"{kept}/{unit}" for unit in layout.UNITS},
    }
    socket = f"{layout.UNIT_FOLDER}/{layout.SOCKET_UNIT}"
    return " && ".join(
        (
            f"{{ cmp -s {kept}/{layout.SOCKET_UNIT} {socket} || reopen=yes; }}",
            *(
                f"cp -p {source} {place}.new && mv -fT {place}.new {place}"
                for place, source in places.items()
            ),
            f"ln -sfnT releases/{generation.release} {layout.CURRENT}.new",
            f"mv -fT {layout.CURRENT}.new {layout.CURRENT}",
            write_mark(generation.name),
            "systemctl daemon-reload",
            f'if [ "$reopen" ] || ! systemctl is-active -q {layout.SOCKET_UNIT}; then {OPEN_SOCKET}; fi',
            RESTART,
        )
    )


def start_or_return(seen: Observed, wanted: Desired) -> StringCommand:
    """Start what is in place. Record it if it greets. If not, go back to the last one that did, and fail.

    What another deploy has changed in the meantime is neither recorded nor undone.
    """
    last = next((kept for kept in seen.generations if kept.name != wanted.generation), None)
    back = "true"
    if last:
        message = f"echo 'The new generation failed (see above): {last.name} is back, and greets.' >&2"
        back = f"{restore(last)} && {message}"
    files = {layout.CONFIGURATION: wanted.configuration}
    files |= {f"{layout.UNIT_FOLDER}/{name}": text for name, text in wanted.units.items()}
    link = still_link(layout.CURRENT, f"releases/{wanted.release}")
    same = " && ".join([*(still(path, content) for path, content in files.items()), link])
    shell = (
        f"{same} || exit 1; {write_mark(wanted.generation)}; "
        f"{{ {RESTART}; }} || {{ {_WHY_NOT_STARTED}; {back}; exit 1; }}; "
        f"{same} || exit 1; {record(wanted.generation, wanted.release)}"
    )
    return StringCommand("sh -c", shlex.quote(shell))


def superseded(seen: Observed, wanted: Desired) -> Iterator[StringCommand]:
    """Drop all but the last three generations, the releases that none of these runs, and what dead runs left.

    What is dropped first gets another name: if the removal is cut off, no part of it is taken for the whole.
    """
    others = [kept for kept in seen.generations if kept.name != wanted.generation]
    kept, dropped = others[: KEPT - 1], others[KEPT - 1 :]
    used = {wanted.release, seen.current_release, *(generation.release for generation in kept)}
    moved = [(layout.GENERATIONS, each.name) for each in dropped]
    moved += [(layout.RELEASES, digest) for digest in seen.releases if digest not in used]
    if moved:
        shell = (
            f"rm -rf {folder}/.{name}.gone && mv -T {folder}/{name} {folder}/.{name}.gone && "
            f"rm -rf {folder}/.{name}.gone"
            for folder, name in moved
        )
        yield StringCommand(" && ".join(shell))
    if seen.leftovers:
        yield StringCommand("rm -rf", *(QuoteString(path) for path in seen.leftovers))


def before(seen: Observed, named: str | None = None) -> Generation:
    """The generation to go back to: the named one, or without a name the newest that is older than what runs.

    Raises LookupError if there is none. The message says which there are.
    """
    names = [kept.name for kept in seen.generations]
    if named is None:
        at = names.index(seen.running_generation) + 1 if seen.running_generation in names else 0
        if at < len(names):
            return seen.generations[at]
        raise LookupError(
            "no generation older than the one that runs is kept: check out the wanted release and deploy it"
        )
    if named in names:
        return seen.generations[names.index(named)]
    known = ", ".join(names) or "none"
    raise LookupError(f"there is no generation {named}: --data generation= may name {known}")


def prepare() -> None:
    """Look at the generation that this host would go back to, before any host goes back. Show those it has.

    Raises DeployError if mail is still led here for a domain that this generation does not have.
    """
    seen = observe()
    try:
        target: Generation | None = before(seen, context.host.data.get("generation"))
    except LookupError:
        target = None  # the step says so for this host, and the other hosts go back
    for line in listed(seen, target, _dates()):
        logger.info(f"{context.host.print_prefix}{line}")
    if target is None:
        return
    if target.name != seen.running_generation and (problems := rolling_back(context.host, seen, target)):
        raise DeployError(untouched(problems))


def _dates() -> Mapping[str, float]:
    """When each generation of this host was recorded, in seconds since 1970."""
    from pyinfra.facts.server import Command as ServerCommand  # late: 40 ms, and only for a rollback

    said = context.host.get_fact(ServerCommand, command=f"stat -c '%Y %n' {layout.GENERATIONS}/* || true")
    dates: dict[str, float] = {}
    for line in (said or "").splitlines():
        seconds, _, path = line.partition(" ")
        if seconds.isdigit():
            dates[path.rpartition("/")[2]] = float(seconds)
    return dates


def listed(seen: Observed, target: Generation | None, dates: Mapping[str, float]) -> Iterator[str]:
    """A line for each generation that is kept, the newest first: its name, its date, and what it is. Pure."""
    yield f"generations that are kept: {len(seen.generations)}"
    for kept in seen.generations:
        marks = [
            *(["runs now"] if kept.name == seen.running_generation else []),
            *(["goes back to this one"] if target and kept.name == target.name else []),
        ]
        when = (
            time.strftime("%Y-%m-%d %H:%M", time.localtime(dates[kept.name])) if kept.name in dates else "?"
        )
        yield f"  {kept.name}  {when:<16}  {', '.join(marks)}".rstrip()


def _rolled_back() -> Decision:
    """Go back to the generation before the one that runs, or to `--data generation=NAME`."""
    seen = observe()
    try:
        target = before(seen, context.host.data.get("generation"))
    except LookupError as error:
        raise DeployError(f"{context.host.name}: {error}") from None
    if target.name == seen.running_generation:
        return Decision((), f"generation {target.name} runs already")
    return Decision(
        [StringCommand("sh -c", shlex.quote(restore(target))), FunctionCommand(_say_back, (target.name,), {})]
    )


def _say_back(state: State, host: Host, name: str) -> bool:
    logger.info(f"{host.print_prefix}generation {name} is back, and greets")
    logger.info(f"{host.print_prefix}deploy.py goes forward again, to what the inventory says")
    return True


rolled_back = step(_rolled_back, is_idempotent=False)
