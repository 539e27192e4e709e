"""The bucket, on a host that has one: each step of reaching it, what waits for it, and what comes back.

The bucket's own process has the network and the key, so it makes the trial and says what it found. Here its
answer becomes links. A bucket that gives no answer is unknown, never broken and never good.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from receiver import bucket_queue
from receiver.bucket import protocol
from receiver.bucket.client import Client, connect
from receiver.doctor.links import Link, from_json
from receiver.doctor.services import backlog
from receiver.doctor.services.backlog import Backlog
from receiver.doctor.units import DEPLOY, properties
from receiver.system import privileges

SOCKET, SERVICE = "letterbox-bucket.socket", "letterbox-bucket.service"
PUSH, PULL = "letterbox-push.service", "letterbox-pull.service"
PULL_UNIT = Path("/etc/systemd/system", PULL)
PATIENCE = 20.0  # seconds for the whole trial; the process gives up after 14
LONGEST_LOOK = 15 * 60  # seconds since `letterbox pull` had everything, which it notes every five minutes
LONGEST_BEHIND = 2 * 3600  # seconds, which only the daily look at a very large bucket may take
_LINK, _BACKLOG, _PULL = "bucket", "bucket backlog", "bucket pull"
_NAMES = {"conditional write": "bucket writes"}  # to fit the column; else "bucket" and the name
_LOOK = f"journalctl -u {SERVICE} -n 20"
_NOBODY = (errno.ENOENT, errno.ECONNREFUSED, errno.EACCES)  # of connect(2): nobody listens there, for us


def checks(socket: Path, mail: Path, promise: str) -> Iterator[Callable[[], Link]]:
    """The links of the bucket in their order: its units, the trial, the backlog, and what comes back."""
    yield check_units
    # The trial is made once, when the units are found to be good, and gives several links.
    yield from (partial(_same, each) for each in _without_root(mail, lambda: ask(socket, promise)))
    yield lambda: _waiting(mail)
    if PULL_UNIT.exists():
        yield lambda: _pulling(mail)


def _waiting(mail: Path) -> Link:
    push = _state(PUSH)  # as root, because not everybody may ask systemd
    return _without_root(mail, lambda: [judge_backlog(backlog.read(mail), push, time.time())])[0]


def _pulling(mail: Path) -> Link:
    pull = _state(PULL)
    return _without_root(mail, lambda: [check_pull(mail, pull, time.time())])[0]


def check_units() -> Link:
    """The socket listens, and the process behind it has not failed. It starts with the first connection."""
    socket = properties(SOCKET)
    if socket.get("LoadState") != "loaded":
        return Link(_LINK, f"{SOCKET} is not installed", DEPLOY)
    if (socket.get("ActiveState"), socket.get("UnitFileState")) != ("active", "enabled"):
        return Link(_LINK, f"{SOCKET} does not listen", f"systemctl enable --now {SOCKET}")
    service = properties(SERVICE)
    if service.get("ActiveState") == "failed":
        return Link(_LINK, f"{SERVICE} has failed", f"systemctl restart {SERVICE}; {_LOOK}")
    return Link(_LINK, f"{SOCKET} listens, {SERVICE} is {service.get('ActiveState')}")


def ask(socket: Path, promise: str, patience: float = PATIENCE) -> list[Link]:
    """The links that the bucket's process finds in its trial: name, TLS, clock, key, conditional write."""
    try:
        connect(str(socket), patience).close()  # A client would try again where nobody listens.
    except OSError as error:
        why = f"{socket}: {error.strerror or type(error).__name__}"
        if error.errno in _NOBODY:
            return [Link(_LINK, why, f"systemctl restart {SOCKET}; {_LOOK}")]
        return [Link(_LINK, f"no answer ({why})", look=_LOOK)]
    try:
        with Client(socket, patience) as client:
            return [judge(each, promise) for each in client.check()]
    except (OSError, ValueError) as failure:
        return [Link(_LINK, f"no answer ({backlog.reason(failure)})", look=_LOOK)]


def judge(said: protocol.Link, promise: str) -> Link:
    """A link of the trial, as the bucket's process has said it."""
    name = _NAMES.get(said.link, f"{_LINK} {said.link}")
    if said.state == "good":
        return Link(name, said.found)
    if said.state == "bad":
        means = "mail is deferred with 451" if promise == "bucket" else "mail waits on this disk"
        return Link(name, f"{said.found}: {means}", said.fix or _LOOK)
    return Link(name, said.found or "it cannot be told", look=said.fix or _LOOK)


def judge_backlog(found: Backlog, push: str, now: float) -> Link:
    """What is said of a backlog, and of a unit that empties it, which systemd calls `push`. Pure."""
    logs = f"journalctl -u {PUSH} -n 20"
    if found.unread:
        return Link(
            _BACKLOG, f"it cannot be read ({found.unread})", look=f"letterbox push --dry-run; {DEPLOY}"
        )
    words = found.words(now)
    if push and push != "active":
        return Link(_BACKLOG, f"{PUSH} is {push}; {words}", f"systemctl enable --now {PUSH}; {logs}")
    if found.is_old(now):
        return Link(_BACKLOG, words, f"systemctl restart {PUSH}; {logs}")
    if not push:
        return Link(_BACKLOG, f"systemd does not say whether {PUSH} runs; {words}", look=logs)
    if found.pushed is None:
        evidence = f"{words}; mail from before the bucket was named may lie on this disk alone"
        return Link(
            _BACKLOG, evidence, look="letterbox push --dry-run says how many; letterbox push takes them"
        )
    return Link(_BACKLOG, f"{words}; all older mail was pushed by {_time(found.pushed)}")


def check_pull(mail: Path, unit: str, now: float) -> Link:
    """`letterbox pull` runs, and it is not long ago that it had everything that the bucket has."""
    logs = f"journalctl -u {PULL} -n 20"
    if unit and unit != "active":
        return Link(_PULL, f"{PULL} is {unit}: no mail comes here", f"systemctl enable --now {PULL}; {logs}")
    try:
        began = backlog.text(mail / bucket_queue.FOLDER / "pulled" / "complete")
    except (OSError, ValueError) as failure:
        return Link(_PULL, f"its state cannot be read ({backlog.reason(failure)})", look=logs)
    if not (began.isascii() and began.isdigit() and len(began) < 12):
        return Link(_PULL, "it has not had all of the bucket yet: the first look may take long", look=logs)
    lasted = now - int(began)
    evidence = f"the last complete look at the bucket began {backlog.age(lasted)} ago"
    if lasted > LONGEST_BEHIND:
        return Link(_PULL, evidence, f"systemctl restart {PULL}; {logs}")
    if lasted > LONGEST_LOOK:
        return Link(_PULL, evidence, look=logs)
    if not unit:
        return Link(_PULL, f"systemd does not say whether {PULL} runs", look=logs)
    return Link(_PULL, evidence)


def _same(link: Link) -> Link:
    return link


def _state(unit: str) -> str:
    """What systemd says of a unit, such as `active`. Empty if it does not answer."""
    return properties(unit).get("ActiveState", "")


def _without_root(mail: Path, look: Callable[[], list[Link]]) -> list[Link]:
    """What `look` finds in a process with the rights of the mail's user alone."""
    try:
        found = privileges.ask_child(privileges.owner(mail), lambda: [each.to_json() for each in look()])
    except OSError as error:
        return [Link(_LINK, f"it cannot be looked at ({error.strerror})", look=_LOOK)]
    return [from_json(each) for each in found]


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
