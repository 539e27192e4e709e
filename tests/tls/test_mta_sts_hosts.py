"""A mail host comes and another goes under `enforce`, while a sender that keeps the policy sends all through.

It takes a quarter of an hour, because the caches of others are waited for, so `make thorough` alone runs it.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from dns.mta_sts.policy import Policy
from dns.world.policy import fetch
from dns.world.vantage import vantage_with
from provision.host.layout import MAIL
from tests.conftest import usable_lab
from tests.deploys import ROOT, deploy
from tests.lab import lifecycle
from tests.lab.lab import DOMAIN, Lab
from tests.lab.machines.machine import Machine
from tests.lab.tls import edge, pebble, sts_sender
from tests.lab.tls.load import Load
from tests.tls import host, zone
from tests.tls.pairs import Pair, new_key, request, self_signed
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.skipif(os.environ.get("LETTERBOX_THOROUGH") != "1", reason="`make thorough` runs it"),
    pytest.mark.timeout(2400),
]
RECIPIENT = f"alice@{DOMAIN}"
FIRST, SECOND = f"mx1.{DOMAIN}", f"mx2.{DOMAIN}"
LONGEST_LEAVING = 900.0  # seconds: two TTLs of Cloudflare's, what is added to them, and a slow machine
CHANGES = {
    # The second host is the one that senders prefer.
    "both": 'mail_hosts[0][1][1]["mx_preference"] = 5',
    "first": "mail_hosts = (mail_hosts[0][:1], mail_hosts[1])",
    "second": "mail_hosts = (mail_hosts[0][1:], mail_hosts[1])",
}


@pytest.fixture(scope="module")
def mta_sts_lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of two deployed hosts, each with a certificate of an authority that everybody trusts."""
    folder = tmp_path_factory.mktemp("sts") / ".lab"
    try:
        lab = usable_lab(request.config, folder, quiet=True, hosts=2)
        run = deploy(lab, "-y")
        assert run.code == 0, run.stdout + run.stderr
        yield lab
    finally:
        lifecycle.take_down(folder)


def give_certificate(lab: Lab, ca: pebble.Pebble, target: Machine) -> None:
    key = new_key()
    chain = ca.issue(request(key, target.hostname), functools.partial(zone.text, lab))
    host.install(target, Pair(key, chain))


def sync(lab: Lab, folder: Path, hosts: str, *options: str, mode: str | None = "enforce") -> str:
    """Run `dns.sync` with an inventory of these hosts. Returns what it said."""
    inventory = folder / f"{hosts}-{mode}.py"
    key = '"catch_all": None,'
    wanted = f'{key} "mta_sts": "{mode}",' if mode else key
    inventory.write_text(lab.inventory.read_text().replace(key, wanted) + f"\n{CHANGES[hosts]}\n")
    done = subprocess.run(
        [sys.executable, "-m", "dns.sync", DOMAIN, "--inventory", str(inventory), *options],
        cwd=ROOT,
        env={**os.environ, **lab.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def served(lab: Lab) -> Policy:
    """The policy that a sender fetches now."""
    found = fetch(DOMAIN, vantage_with(lab.environment["LETTERBOX_RESOLVER"]))
    assert found.policy, found.failure
    return found.policy


def stored(target: Machine, load: Load) -> int:
    """How many messages of the load the host has stored."""
    found = target.run(f"grep -rlF '<{load.prefix}.' {MAIL}/{DOMAIN}/alice/new | wc -l").stdout
    return int(found)


def test_while_one_host_comes_and_another_goes_every_message_is_sent_verified_at_once(
    mta_sts_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = mta_sts_lab
    first, second = lab.targets
    run = functools.partial(sync, lab, tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", lab.environment["SSL_CERT_FILE"])
    with pebble.running(lab.world, bad_nonces=0) as ca:
        give_certificate(lab, ca, first)
        give_certificate(lab, ca, second)
        roots = ca.root(), lab.world.read(edge.ROOT).decode()
    with edge.trusting(lab, roots[0]), sts_sender.running(lab.world, *roots) as sender:
        # Nobody has heard of an MX yet. Otherwise `enforce` would wait for those who keep an older one.
        run("first", "--forget-host", SECOND, mode=None)
        zone.delete(lab, "MX", DOMAIN)
        run("first")
        assert (served(lab).mode, served(lab).mx) == ("enforce", (FIRST,))
        sender.forget()
        load = Load(sender, uuid.uuid4().hex)
        with sender.sending(RECIPIENT, load.prefix, every=0.25):
            load.goes_on()
            assert stored(second, load) == 0
            run("both")
            assert set(served(lab).mx) == {FIRST, SECOND}
            wait_until(lambda: stored(second, load), "the sender learns of the new host, and sends to it")
            load.goes_on()
            run("second")
            assert set(served(lab).mx) == {FIRST, SECOND}, "a sender may still know the old host"
            late = time.monotonic() + LONGEST_LEAVING
            while FIRST in served(lab).mx:
                assert time.monotonic() < late, run("second")
                time.sleep(10)
                run("second")
            assert served(lab).mx == (SECOND,)
            wait_until(lambda: sender.kept(DOMAIN) == served(lab).id, "the sender takes the new policy")
            load.goes_on()
        tried = load.attempts()
        run("second", mode="none")
        assert served(lab).mode == "none"
        sender.forget_names()
        host.install(second, self_signed(new_key(), SECOND))
        after = sender.first_attempt(RECIPIENT)
    wrong = [each for each in tried.values() if len(each) != 1 or not each[0].verified or each[0].why]
    assert wrong == []
    assert sorted(tried) == [load.identifier(number) for number in range(len(tried))]
    assert stored(first, load) + stored(second, load) == len(tried)
    assert (after.status, after.level, after.peer) == ("sent", "may", "Untrusted"), "the farewell is heard"
