"""`pull` and `push` killed at each system call and at random moments: the next run completes them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from receiver.bucket.client import Client
from receiver.config.load import load
from receiver.hook_queue import link_name
from receiver.storage import leftovers
from receiver.storage.disk import SYSTEM
from receiver.storage.folders import Folders
from receiver.transfer import journal
from receiver.transfer.fetching import Clients
from receiver.transfer.journal import Journal
from receiver.transfer.known import Known
from receiver.transfer.outcome import Outcome
from receiver.transfer.pending import Waiting
from receiver.transfer.placing import Placing
from receiver.transfer.pulling import Pull
from receiver.transfer.window import EVERYTHING
from tests.receiver.processes import ROOT, environment
from tests.receiver.transfer.fleet import ALICE, Host, begin_in_an_hour, keys, put
from tests.waiting import wait_until

NewHost = Callable[..., Host]
HOOK = '[hooks.orders]\ndomains = ["example.test"]\n'
SEED = 19


class DyingDisk:
    """Makes system calls, and kills the process before one of them, or after it."""

    def __init__(self, last: int, *, before: bool) -> None:
        self._left, self._before = last, before
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            with self._lock:
                self._left -= 1
                if self._left == 0 and self._before:
                    os.kill(os.getpid(), signal.SIGKILL)
                result = getattr(SYSTEM, name)(*arguments)
                if self._left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

        return call


def pull(host: Host, disk: Any = SYSTEM) -> None:
    """What the command does, on that disk."""
    config = load(host.top / "letterbox.toml")
    assert config.store
    path = config.store.socket
    folders = Folders(config.mail, disk, hooks=config.hooks)
    folders.prepare_mail_folder()
    leftovers.sweep(config.mail)
    known, placing, clients = Known(Journal(folders)), Placing(folders), Clients(lambda: Client(path))
    with journal.only_run(folders, "pull", lambda text: None):
        run = Pull(config, placing, known, clients, Waiting(config, known))
        run.run(EVERYTHING, Outcome("pulled"))
    placing.close()


def in_child(work: Callable[[], None]) -> int:
    """Do work in a child process. Returns how it ended, as `waitpid` says."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


def test_a_pull_that_is_killed_at_any_system_call_is_completed_by_the_next(
    client: Client, new_host: NewHost
) -> None:
    mail = dict(put(client) for _ in range(3))
    kills = 0
    for before in (True, False):
        for last in range(1, 1000):
            host = new_host(HOOK)
            ended = in_child(partial(pull, host, DyingDisk(last, before=before)))
            for path in host.mail.rglob("new/*"):
                assert path.read_bytes() == mail[path.name], (last, path)
            if ended == 0:
                break
            assert os.WTERMSIG(ended) == signal.SIGKILL
            kills += 1
            assert in_child(partial(pull, host)) == 0
            assert host.files() == mail, last
            assert not list((host.box() / "tmp").iterdir()), last
            links = {
                path.name: path.stat().st_ino for path in (host.mail / ".hooks/orders/pending").iterdir()
            }
            files = {
                link_name(path.name, ALICE): path.stat().st_ino for path in (host.box() / "new").iterdir()
            }
            assert links == files, last
    assert kills > 40


def test_pulls_that_are_killed_at_random_moments_leave_each_message_once(
    client: Client, new_host: NewHost
) -> None:
    host, moments = new_host(HOOK), random.Random(SEED)
    mail: dict[str, bytes] = {}
    for _ in range(12):
        mail |= dict(put(client) for _ in range(25))
        pulls = [start(host, "pull") for _ in range(2)]
        time.sleep(moments.uniform(0.2, 2.0))
        for each in pulls:
            each.kill()
            each.wait()
        for path in host.mail.rglob("new/*"):
            assert path.read_bytes() == mail[path.name]
    assert host.pull()["failed"] == 0
    assert host.files() == mail
    removed = set(moments.sample(sorted(mail), 100))
    for name in removed:
        (host.box() / "new" / name).unlink()
    assert host.pull("--all")["pulled"] == 0
    assert set(host.files()) == set(mail) - removed
    assert not list((host.box() / "tmp").iterdir())


def test_two_pulls_at_once_bring_each_message_once(client: Client, new_host: NewHost) -> None:
    host = new_host()
    mail = dict(put(client) for _ in range(60))
    pulls = [start(host, "pull", "--json") for _ in range(3)]
    outputs = [each.communicate(timeout=100) for each in pulls]
    assert [each.returncode for each in pulls] == [0, 0, 0], outputs
    assert host.files() == mail
    assert sum(b'"pulled": 60' in out for out, _ in outputs) == 1


def test_pushes_that_are_killed_at_random_moments_put_each_message_once(
    client: Client, new_host: NewHost
) -> None:
    host, other, moments = new_host(), new_host(), random.Random(SEED)
    begin_in_an_hour(180)
    for number in range(150):
        host.store(waits=number % 2 == 0)
    host.store(b"no Message-ID\r\n", waits=True)
    for _ in range(8):
        pushes = [start(host, "push"), start(host, "push", "--follow"), start(host, "pull")]
        time.sleep(moments.uniform(0.3, 2.5))
        for each in pushes:
            each.kill()
            each.wait()
    files = host.files()
    assert len(files) == 151  # None has come twice.
    host.push()
    with host.following("push"):
        wait_until(lambda: not list(host.pending.iterdir()), lambda: host.log("push"))
    assert len(keys(client)) == 151
    assert host.pull("--all")["pulled"] == 0
    assert other.pull()["pulled"] == 151
    assert other.files() == files


def start(host: Host, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        host.command(*words), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_the_last_octets_of_a_torn_journal_harm_nothing(
    client: Client, new_host: NewHost, tmp_path: Path
) -> None:
    host = new_host()
    put(client)
    host.pull()
    with (host.mail / ".bucket/pulled/recent").open("ab") as recent:
        recent.write(b"torn")
    put(client)
    assert host.pull()["pulled"] == 1
    assert host.pull("--all")["pulled"] == 0
    assert (host.mail / ".bucket/pulled/recent").stat().st_size % 16 == 0
