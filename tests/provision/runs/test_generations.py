"""New generations on a real machine: a failed one is taken back, one can go back, no connection is lost."""

from __future__ import annotations

import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tests.deploys import copy_of_checkout, deploy

SILENCE = 0.5  # seconds without a command after which a receiver that ends says 421


@pytest.fixture
def host(deployed) -> Iterator:
    """The lab. Afterwards it runs again what this checkout says."""
    yield deployed
    assert deploy(deployed, "-y").code == 0


def running(lab) -> str:
    pid = lab.target.run("systemctl show -p MainPID --value letterbox.service").stdout.strip()
    return lab.target.run(f"tr '\\0' '\\n' < /proc/{pid}/environ | grep ^LETTERBOX_GENERATION=").stdout


def greeting(lab) -> bytes:
    with smtplib.SMTP(lab.target.ipv4, 25, timeout=30) as smtp:
        return smtp.noop()[1]


def test_a_generation_that_does_not_start_is_taken_back_by_the_same_deploy(host, tmp_path) -> None:
    before = running(host)
    checkout = copy_of_checkout(tmp_path)
    # `letterbox serve` imports this module. `letterbox check`, which must accept the configuration, does not.
    server = checkout / "receiver" / "serving" / "server.py"
    server.write_text(server.read_text() + "\nraise RuntimeError('broken on purpose')\n")
    for command, code in (
        (["check", "--config", "/dev/null"], 78),
        (["serve", "--listen", "127.0.0.1:0"], 1),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "receiver", *command],
            timeout=60,
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "broken on purpose" in done.stderr) == (code, code == 1), done.stderr
    run = deploy(host, "-y", checkout=checkout)
    assert run.code == 1
    assert "broken on purpose" in run.stderr, "the journal says why"
    assert "is back, and greets" in run.stderr
    assert "Starting operation: DNS" not in run.stderr
    assert running(host) == before
    assert greeting(host)


def test_going_back_and_forward_again(host, tmp_path) -> None:
    first = running(host)
    inventory = tmp_path / "inventory.py"
    inventory.write_text(host.inventory.read_text().replace('["alice", "bob"]', '["alice", "bob", "carol"]'))
    assert deploy(host, "-y", inventory=inventory).code == 0
    second = running(host)
    assert second != first
    back = deploy(host, "-y", script="rollback.py")
    assert back.code == 0, back.stderr
    names = [each.strip().partition("=")[2] for each in (second, first)]
    lines = [line.partition("] ")[2].strip() for line in back.stderr.splitlines()]
    assert f"generation {names[1]} is back, and greets" in lines
    listed = [line.split() for line in lines if line.split()[:1] in ([names[0]], [names[1]])]
    assert [words[0] for words in listed] == names, "the newest first"
    assert [" ".join(words[3:]) for words in listed] == ["runs now", "goes back to this one"]
    for _, day, clock, *_ in listed:
        assert abs(time.mktime(time.strptime(f"{day} {clock}", "%Y-%m-%d %H:%M")) - time.time()) < 7200
    assert running(host) == first
    assert "carol" not in host.target.run("cat /etc/letterbox/letterbox.toml").stdout
    assert greeting(host)
    forward = second.strip().partition("=")[2]
    assert deploy(host, "-y", "--data", f"generation={forward}", script="rollback.py").code == 0
    assert running(host) == second


def test_a_generation_that_is_not_kept_is_named(host) -> None:
    run = deploy(host, "-y", "--data", "generation=g0123", script="rollback.py")
    assert run.code == 1
    assert "no generation g0123: --data generation= may name g" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_sender_that_connects_all_through_a_deploy_sees_only_successes(host, tmp_path) -> None:
    """Each of four threads connects again and again, from before the deploys to after them."""
    inventory = tmp_path / "inventory.py"
    inventory.write_text(host.inventory.read_text().replace('["alice", "bob"]', '["alice", "bob", "dave"]'))
    done, failures, served, dismissed = threading.Event(), [], [], []

    def connect() -> None:
        while not done.is_set():
            began = time.monotonic()
            try:
                with smtplib.SMTP(host.target.ipv4, 25, timeout=30) as smtp:
                    code = smtp.noop()[0]
            except smtplib.SMTPResponseException as error:
                code = error.smtp_code
            except (OSError, smtplib.SMTPException) as error:
                failures.append(repr(error))
                continue
            # A busy machine may keep a sender silent for this long. The sender may then get 421.
            slow = code == 421 and time.monotonic() - began > SILENCE
            (served if code == 250 else dismissed if slow else failures).append(code)

    senders = [threading.Thread(target=connect) for _ in range(4)]
    for sender in senders:
        sender.start()
    try:
        for change in (inventory, host.inventory, inventory):
            before = len(served)
            assert deploy(host, "-y", inventory=change).code == 0
            assert len(served) > before + 10, "hardly anybody connected"
    finally:
        done.set()
        for sender in senders:
            sender.join()
    print(f"{len(served)} connections served through three deploys, {len(failures)} failed,")
    print(f"{len(dismissed)} were silent too long, and got 421")
    assert failures == []
