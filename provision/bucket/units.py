"""The units of the bucket, from what the host has: making what is missing, taking away what is not wanted.

The service with the key comes before the receiver that needs it, and goes after it. Its file is the first
that is written and the last that is removed, so a run that was cut off is seen by the next one.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from pathlib import Path

from pyinfra import logger
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.host import Host
from pyinfra.api.state import State

from provision.bucket import key
from provision.bucket.links import parse_answer, problem
from provision.bucket.trial import SERVICE_CHECK
from provision.desired import archive
from provision.desired.bucket import WantedBucket
from provision.desired.files import Text, sha256, text_commands, unit_commands
from provision.host import layout
from provision.host.observed import Observed
from provision.host.services.bucket import UNITS, Bucket
from provision.release import program_commands
from provision.run.step import Command, alone, for_any_shell

_SERVICE, _SOCKET = layout.BUCKET_SERVICE, layout.BUCKET_SOCKET_UNIT
_MOVING = (layout.PUSH_SERVICE, layout.PULL_SERVICE)
_FLUSH = 30  # seconds for which mail that waits may still go


def service_commands(seen: Observed, wanted: WantedBucket) -> Iterator[Command]:
    """Bring the service with the key, and its socket. Raises DeployError if the program cannot be built."""
    now, texts = seen.bucket, wanted.units
    changed = [name for name in (_SERVICE, _SOCKET) if now.units.get(name) != sha256(texts[name])]
    if _SERVICE in changed:
        yield from unit_commands(seen, _SERVICE, texts[_SERVICE])
    if now.program != wanted.program:
        yield from program_commands(
            seen,
            archive.BUCKET,
            wanted.program,
            into=layout.BUCKET_PROGRAM,
            called="the program of the bucket",
        )
    new_config = now.config != wanted.config
    if new_config:
        if now.config and is_another(now.config, wanted.config):
            yield StringCommand("sh -c", shlex.quote(_FORGET_PUSHED))
        yield from text_commands(
            seen, Text(layout.BUCKET_CONFIGURATION, wanted.config, "root", "root", "644")
        )
    new_key = wanted.key is not None and not (now.key and wanted.key_stays(now.key))
    if wanted.key is not None and new_key:
        yield key.encrypted(wanted.key)
    if _SOCKET in changed:
        yield from unit_commands(seen, _SOCKET, texts[_SOCKET])
    if changed or now.needs_reload:
        yield StringCommand("systemctl daemon-reload")
    if _SOCKET in changed or not now.runs(_SOCKET):
        # The service must be down while systemd opens the socket.
        opened = f"systemctl stop {_SERVICE} {_SOCKET}; systemctl enable -q --now {_SOCKET}"
        yield _started(f"{opened} && systemctl start {_SERVICE}")
    elif (
        changed or new_config or new_key or now.program != wanted.program
        or not now.runs(_SERVICE) or _SERVICE in now.old
    ):  # fmt: skip
        yield _started(f"systemctl restart {_SERVICE}")
    else:
        return
    yield FunctionCommand(answers, (), {})


def _started(shell: str) -> StringCommand:
    why = f"journalctl -u {_SERVICE} -n 5 --no-pager -o cat >&2; false"
    return StringCommand("sh -c", shlex.quote(f"{{ {shell}; }} || {{ {why}; }}"))


def answers(state: State, host: Host) -> bool:
    """Whether the service reaches the bucket from its sandbox. If not, it is said why, and the run ends.

    The bucket was tried before, so a try that fails is made again for a while.
    """
    said = ""
    for _ in range(3):
        _, output = host.run_shell_command(
            for_any_shell(StringCommand(SERVICE_CHECK)), _sudo=bool(host.data.get("_sudo"))
        )
        said = problem(parse_answer(output.stdout_lines, output.stderr_lines))
        if not said:
            return True
        time.sleep(1)
    logger.error(f"{host.print_prefix}{_SERVICE} runs, and {said}")
    return False


def is_another(before: str, after: str) -> bool:
    """Whether two texts of bucket.toml name buckets that have no URL in common."""
    old, new = ({word for word in text.split('"') if "://" in word} for text in (before, after))
    return not old & new


def moving_commands(seen: Observed, wanted: WantedBucket) -> Iterator[Command]:
    """Bring what moves mail to the bucket and from there, which runs the receiver's program."""
    now = seen.bucket
    names = [name for name in _MOVING if name in wanted.units]
    changed = [name for name in names if now.units.get(name) != sha256(wanted.units[name])]
    for name in changed:
        yield from unit_commands(seen, name, wanted.units[name])
    gone = [name for name in _MOVING if name not in wanted.units and name in now.units]
    if gone:
        yield StringCommand(f"systemctl disable -q --now {' '.join(gone)} && rm -f {_paths(gone)}")
    if changed or gone or now.needs_reload:
        yield StringCommand("systemctl daemon-reload")
    started = [name for name in names if name in changed or not now.runs(name) or name in now.old]
    if started:
        units = " ".join(started)
        why = f"journalctl {' '.join(f'-u {unit}' for unit in started)} -n 5 --no-pager -o cat >&2; false"
        # One that cannot go on ends within a second, and systemd would start it again for ever.
        begun = f"systemctl restart {units} && sleep 1.5 && systemctl is-active {units} >/dev/null"
        shell = f"{{ systemctl enable -q {units} && {begun}; }} || {{ {why}; }}"
        yield StringCommand("sh -c", shlex.quote(shell))


def removal_commands(now: Bucket, *, pulls: bool) -> Iterator[Command]:
    """Take the units, the program and the key away. What waits for the bucket may go for a while before.

    With `pulls`, the mail of the last seconds is brought from the bucket first.
    """
    if not now.units:
        return
    if now.pending and now.runs(_SERVICE) and now.runs(layout.PUSH_SERVICE):
        waiting = f'[ -z "$(ls -A {layout.BUCKET_STATE}/pending)" ] && break'
        yield StringCommand("sh -c", shlex.quote(f"for i in $(seq {_FLUSH}); do {waiting}; sleep 1; done"))
    if pulls and now.runs(layout.PULL_SERVICE):
        yield FunctionCommand(last_pull, (), {})
    shell = f"""\
set -u
for unit in {" ".join((*_MOVING, _SOCKET))}; do  # one by one: a unit that is not there stops none of several
  systemctl disable -q --now $unit 2>/dev/null
done
systemctl stop {_SERVICE}
{_FORGET_PUSHED}
rm -rf {layout.BUCKET_PROGRAM} {Path(layout.BUCKET_SOCKET).parent}
rm -f {layout.BUCKET_CONFIGURATION}* {layout.BUCKET_KEY}*
rm -f {_paths([name for name in UNITS if name != _SERVICE])}
rm -f {_paths([_SERVICE])}
systemctl daemon-reload
systemctl reset-failed {" ".join(UNITS)} 2>/dev/null || true"""
    yield StringCommand("sh -c", shlex.quote(shell))


def last_pull(state: State, host: Host) -> bool:
    """Bring what the bucket has got since the last look. The receiver's configuration has no store any more.

    If it fails, that is said, and the run goes on: the bucket may be gone for good.
    """
    config = f"{Path(layout.BUCKET_SOCKET).parent}/last.toml"
    store = f'\\n[store]\\npromise = "disk"\\nsocket = "{layout.BUCKET_SOCKET}"\\n'
    shell = (
        f"systemctl stop {layout.PULL_SERVICE}; "
        f"{{ cat {layout.CONFIGURATION}; printf {shlex.quote(store)}; }} > {config} && "
        f"chgrp {layout.USER} {config} && chmod 640 {config} && "
        f"timeout 120 {layout.COMMAND} pull --text --config {config}"
    )
    command = for_any_shell(alone(StringCommand("sh -c", shlex.quote(f"umask 027; {shell}"))))
    done, output = host.run_shell_command(command, _sudo=bool(host.data.get("_sudo")))
    if not done:
        said = next((line for line in reversed(output.stderr_lines) if line.strip()), "it said nothing")
        logger.warning(
            f"{host.print_prefix}mail of the last seconds may be in the bucket alone, because the last "
            f"`letterbox pull` failed: {said.strip()}"
        )
    return True


def _paths(names: list[str]) -> str:
    return " ".join(f"{layout.UNIT_FOLDER}/{name}" for name in names)


# What was sent to this bucket says nothing of another one. The mail folder is touched as its user alone.
_FORGET_PUSHED = (
    f"if id -u {layout.USER} >/dev/null 2>&1 && [ -d {layout.BUCKET_STATE} ]; then "
    f"runuser -u {layout.USER} -- rm -f {layout.BUCKET_STATE}/pushed; fi"
)
