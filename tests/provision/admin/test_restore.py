"""docs/backup.md in the lab: a host that takes mail is backed up, and a fresh one takes its place."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision.host import layout
from tests.conftest import unavailable, usable_lab
from tests.deploys import ROOT, deploy
from tests.lab import lifecycle
from tests.lab.lab import Lab
from tests.lab.machines.machine import Machine
from tests.provision.sending import sending, stored
from tests.waiting import wait_until

pytestmark = pytest.mark.lab
BOX = f"{layout.MAIL}/example.test/alice"
RESTIC = "RESTIC_REPOSITORY=/srv/repository RESTIC_PASSWORD=x"
READER = f"""echo $$ > /run/reader.pid
while :; do
    for file in {BOX}/new/*; do [ ! -e "$file" ] || mv "$file" "{BOX}/cur/${{file##*/}}:2,S"; done
    sleep 0.05
done"""
SHOWN = (
    f"cd {layout.MAIL} && find [a-z]* -type f -print0 | sort -z | xargs -0 sha256sum; "
    "find [a-z]* -printf '%p %m %Y ' -type f -printf '%T@' , -printf '\\n' | sort"
)


@pytest.fixture
def two(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own with two hosts, to which nobody has deployed."""
    if not shutil.which("restic"):
        unavailable("restic is missing")
    folder = tmp_path_factory.mktemp("restore") / ".lab"
    yield usable_lab(request.config, folder, quiet=True, hosts=2)
    lifecycle.take_down(folder)


def with_host(lab: Lab, number: int, folder: Path) -> Path:
    """The lab's inventory with one host alone."""
    other = re.escape(lab.targets[1 - number].hostname)
    text, removed = re.subn(
        rf'        \(\n            "{other}",.*?\n        \),\n',
        "",
        lab.inventory.read_text(),
        flags=re.DOTALL,
    )
    assert removed == 1
    path = folder / f"inventory{number}.py"
    path.write_text(text)
    return path


@contextmanager
def reading(lab: Lab, machine: Machine) -> Iterator[None]:
    """A mail client that moves each message to cur as soon as it sees it."""
    command = ["ssh", "-F", str(lab.ssh_config), "-o", "ControlPath=none", machine.name, READER]
    with subprocess.Popen(["timeout", "300", *command], stdin=subprocess.DEVNULL) as reader:
        try:
            yield
        finally:
            machine.run("kill $(cat /run/reader.pid)")
            reader.terminate()


def install_restic(machine: Machine) -> None:
    """What `apt install restic` does. No machine of the lab reaches a package registry."""
    found = shutil.which("restic")
    assert found
    machine.write("/usr/local/bin/restic", Path(found).read_bytes())
    machine.run("chmod 755 /usr/local/bin/restic")


def test_a_fresh_host_serves_the_same_mailboxes_octet_for_octet(two: Lab, tmp_path: Path) -> None:
    old, new = two.targets
    first, second = (with_host(two, number, tmp_path) for number in (0, 1))
    run = deploy(two, "-y", inventory=first)
    assert run.code == 0, run.stderr
    install_restic(old)
    script = re.search(r"```sh\n(#!/bin/sh\n.*?)```", (ROOT / "docs/backup.md").read_text(), re.DOTALL)
    assert script
    old.write("/usr/local/sbin/letterbox-backup", script[1])
    old.run(f"chmod 755 /usr/local/sbin/letterbox-backup && {RESTIC} restic init")

    with sending(two) as outcome, reading(two, old):
        wait_until(lambda: len(stored(two)) > 40, "40 messages")
        old.run(f"{RESTIC} letterbox-backup")
    marks = outcome["acknowledged"]
    wait_until(lambda: stored(two).keys() >= set(marks), "all that was acknowledged is in the Maildir")
    old.run(f"mkdir -p {BOX}/.Archive/cur && cd {BOX} && cp -p $(ls -d cur/* | head -3) .Archive/cur/")
    old.run(f"chown -R letterbox:letterbox {BOX}/.Archive")
    old.run(f"{RESTIC} letterbox-backup")
    was, listed = old.run(SHOWN).stdout, old.run("letterbox list --json -n 100000").stdout
    assert sorted(stored(two)) == sorted(marks) and len(marks) > 40

    # The old host is gone, and the new one has another number for the user.
    archive = subprocess.run(
        ["ssh", "-F", str(two.ssh_config), old.name, "tar -C / -c srv"], capture_output=True, check=True
    ).stdout
    old.run("systemctl stop letterbox.socket letterbox.service")
    new.run("useradd -r somebody-else")
    run = deploy(two, "-y", inventory=second)
    assert run.code == 0, run.stderr
    assert old.run("id -u letterbox").stdout != new.run("id -u letterbox").stdout
    install_restic(new)
    new.write("/root/repository.tar", archive)
    new.run("tar -C / -xf /root/repository.tar")
    restore = "restic restore latest --target /var/lib/letterbox --exclude mail/.hooks"
    assert restore in (ROOT / "docs/backup.md").read_text()
    new.run(f"{RESTIC} {restore}")

    run = deploy(two, "-y", "--json", inventory=second)
    assert (run.code, run.changed()) == (0, ["Folders"]), run.stderr
    run = deploy(two, "-y", "--json", inventory=second)
    assert (run.code, run.changed()) == (0, []), run.stderr
    assert new.run(SHOWN).stdout == was
    assert new.run("letterbox list --json -n 100000").stdout == listed
    assert new.run(f"find {layout.MAIL} ! -user letterbox -o ! -group letterbox").stdout == ""

    exported = old.run("letterbox export --mailbox alice").stdout
    number = len(re.findall(r"^From ", exported, re.MULTILINE))
    for counts in ((number, 0), (0, number)):
        said = json.loads(new.run("letterbox import bob@example.test -", input=exported).stdout)
        assert (said["imported"], said["already_there"]) == counts
    assert new.run(f"find {layout.MAIL} ! -user letterbox -o ! -group letterbox").stdout == ""

    two.world.forget()
    two.world.send(b"Subject: to the new host\r\n\r\nx\r\n", ["alice@example.test"])
    wanted = f"grep -lr 'Subject: to the new host' {BOX}/new"
    wait_until(lambda: new.run(wanted, check=False).stdout, "a message on the new host")
