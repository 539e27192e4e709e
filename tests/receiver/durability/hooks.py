"""Hooks under load: their process, their target, and whether the target was told of every message.

`python -m tests.receiver.durability.hooks MAIL SOCKET` is the process of all hooks. It posts each message of
their queues to the target, and removes its link after the answer. With `--unlinks-first` it removes the link
before it posts, which must be caught. The target stands for another machine: it is never killed.

The queue of the bucket counts as that of one more hook, because its links are made and removed alike.
"""

from __future__ import annotations

import contextlib
import hashlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from receiver import bucket_queue, hook_queue
from receiver.hook_queue import Hook, Queue, digits
from receiver.mailbox import Mailbox
from tests.receiver.processes import DEADLINE, ROOT
from tests.receiver.wire import content_of

_BOXES = [Mailbox("example.test", name) for name in ("alice", "bob")]
HOOKS = (Hook("orders", frozenset(_BOXES[:1])), Hook("archive", domains=frozenset({"example.test"})))
# The bucket gets all mail, as a hook of that domain would.
_TOLD = (*HOOKS, Hook(bucket_queue.FOLDER, domains=frozenset({"example.test"})))
TABLES = """
[store]
promise = "disk"
socket = "/nowhere/bucket.sock"
[hooks.orders]
mailboxes = ["alice@example.test"]
[hooks.archive]
domains = ["example.test"]
"""


@dataclass(frozen=True, slots=True)
class Post:
    """One message as a target got it: by which hook, its id, its digest, and `moment()` just after that."""

    hook: str
    name: str
    digest: str
    moment: int


class Target:
    """Takes every message, on a Unix socket, and remembers all.

    A process asks first whether it may post, as a TCP connection would have it wait. That answer takes
    `delay` seconds. What is killed before it has posted has told nothing.
    """

    def __init__(self, moment: Callable[[], int], delay: float = 0) -> None:
        self.posts: list[Post] = []
        self._folder = tempfile.TemporaryDirectory()
        self.path = f"{self._folder.name}/socket"
        self._moment, self._delay = moment, delay
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(self.path)
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Target:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._folder.cleanup()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connected, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connected,), daemon=True).start()

    def _serve(self, connected: socket.socket) -> None:
        with contextlib.suppress(OSError), connected, connected.makefile("rw") as stream:
            for line in stream:
                if line == "\n":
                    time.sleep(self._delay)
                else:
                    hook, name, digest = line.rstrip("\n").split("\t")
                    self.posts.append(Post(hook, name, digest, self._moment()))
                stream.write("\n")
                stream.flush()


def start(mail: Path, target: Target, *options: str) -> subprocess.Popen[bytes]:
    """Start the process of the hooks. `end` ends it."""
    command = [sys.executable, "-m", "tests.receiver.durability.hooks", str(mail), target.path, *options]
    return subprocess.Popen(command, cwd=ROOT)


def end(process: subprocess.Popen[bytes]) -> None:
    """Send SIGKILL to the process of the hooks, which must be alive."""
    process.kill()
    assert process.wait(DEADLINE) == -signal.SIGKILL, "the process of the hooks has ended by itself"


@dataclass(frozen=True, slots=True)
class HookVerdict:
    """What was told, and what waits to be. If the first three are empty, there is no fault."""

    lost: frozenset[str]  # acknowledged, but not told to every hook that wants it, and not waiting for it
    broken: frozenset[str]  # told or waiting, and never sent like that
    renamed: frozenset[str]  # with more than one id for the same hook and mailbox
    told: int  # messages, each once for each hook and mailbox
    repeats: int  # tellings of a message that had been told, with the same id

    def __bool__(self) -> bool:
        return not (self.lost or self.broken or self.renamed)


def judge_hooks(mail: Path, posts: Sequence[Post], acknowledged: Set[str], offered: Set[str]) -> HookVerdict:
    """Compare what was told, and what waits in the mail folder, with what was acknowledged and sent."""
    told = [(each.hook, each.name, each.digest) for each in posts]
    waiting = [
        (hook.name, name, _digest(octets)) for hook in _TOLD for name, octets in _pending(_queue(mail, hook))
    ]
    names: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for hook, name, digest in (*told, *waiting):
        names[hook, name[-8:]][digest].add(name)
    lost: set[str] = set()
    for hook, box in ((hook.name, box) for hook in _TOLD for box in _BOXES if hook.wants(box)):
        lost |= acknowledged - names[hook, digits(box)].keys()
    found = [(digest, ids) for by_digest in names.values() for digest, ids in by_digest.items()]
    once = {(hook, name) for hook, name, _ in told}
    again = sum((hook, name) in once for hook, name, _ in waiting)
    return HookVerdict(
        frozenset(lost),
        frozenset({digest for digest, _ in found} - offered),
        frozenset(digest for digest, ids in found if len(ids) > 1),
        len(once),
        len(told) - len(once) + again,
    )


def _queue(mail: Path, hook: Hook) -> Queue:
    is_bucket = hook.name == bucket_queue.FOLDER
    return bucket_queue.queue(mail) if is_bucket else hook_queue.queue(mail, hook.name)


def _pending(waiting: Queue) -> Iterator[tuple[str, bytes]]:
    """The name and the octets of each message in a queue."""
    for name in waiting.pending_names():
        with contextlib.suppress(FileNotFoundError):  # The recovery may put a whole file in its place.
            yield name, (waiting.pending / name).read_bytes()


def _digest(octets: bytes) -> str:
    try:
        return hashlib.sha256(content_of(octets)).hexdigest()
    except AssertionError:
        return f"not whole: {len(octets)} octets"


def _run(mail: Path, target: Path, unlinks_first: bool) -> None:
    with socket.socket(socket.AF_UNIX) as connected:
        connected.connect(str(target))
        stream = connected.makefile("rw")
        while True:
            found = 0
            for hook in _TOLD:
                waiting = _queue(mail, hook)
                for name, octets in _pending(waiting):
                    found += 1
                    if unlinks_first:
                        (waiting.pending / name).unlink(missing_ok=True)
                    for line in ("\n", f"{hook.name}\t{name}\t{_digest(octets)}\n"):
                        stream.write(line)
                        stream.flush()
                        if stream.readline() != "\n":
                            return
                    (waiting.pending / name).unlink(missing_ok=True)
            if not found:
                time.sleep(0.002)


if __name__ == "__main__":
    _run(Path(sys.argv[1]), Path(sys.argv[2]), "--unlinks-first" in sys.argv[3:])
