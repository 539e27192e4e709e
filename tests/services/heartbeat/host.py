"""A deployed host with a heartbeat: the deploy, one run of it, and what switch and doctor say then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provision.host import layout
from tests.deploys import Run, deploy
from tests.lab.lab import DOMAIN, Lab
from tests.services.heartbeat.switch_server import CHECK, SwitchServer
from tests.waiting import wait_until

UNIT = layout.HEARTBEAT_SERVICE
STEP = "Heartbeat, if wanted"
BOX = f"{layout.MAIL}/{DOMAIN}/.heartbeat"


def wants(lab: Lab, switch: SwitchServer, folder: Path) -> Path:
    """The inventory of a host that wants a heartbeat, and has a hook."""
    path = folder / "inventory.py"
    hook = '{"archive": {"mailbox": "alice@example.test", "command": ["/usr/bin/cat"]}}'
    given = f'"heartbeat": "{switch.url}{CHECK}", "hooks": {hook}, "mx_preference"'
    path.write_text(lab.inventory.read_text().replace('"mx_preference"', given))
    return path


@contextmanager
def beating(lab: Lab, switch: SwitchServer, inventory: Path) -> Iterator[Run]:
    """The deploy after which the host has a heartbeat. It is taken back at the end, and nothing is left."""
    dry = deploy(lab, "--dry", "-v", inventory=inventory)
    assert (dry.code, CHECK in dry.stdout + dry.stderr, switch.got) == (0, False, [])
    yield deploy(lab, "-y", "--json", inventory=inventory)
    run = deploy(lab, "-y", "--json")
    assert (run.code, STEP in run.changed()) == (0, True), run.stderr
    assert remains(lab) == ""
    assert deploy(lab, "-y", "--json").changed() == []


def remains(lab: Lab) -> str:
    """What of the heartbeat is on the host."""
    return lab.target.run(
        f"getent passwd {layout.HEARTBEAT_USER}; ls -d {layout.HEARTBEAT_STATE} {layout.HEARTBEAT_PROGRAM} "
        f"{layout.HEARTBEAT_ADDRESS}* {BOX} {layout.UNIT_FOLDER}/letterbox-heartbeat* "
        "/run/letterbox-heartbeat* 2>/dev/null; "
        "systemctl list-units --all --no-legend 'letterbox-heartbeat*'; "
        f"grep OnFailure {layout.UNIT_FOLDER}/{layout.SERVICE_UNIT}",
        check=False,
    ).stdout


def beat(lab: Lab, switch: SwitchServer) -> str:
    """Let it run once, and return the report that the switch got."""
    # The look of an earlier run ends a moment after it, and its socket takes one connection at a time.
    wait_until(lambda: not looks(lab), "no look runs")
    switch.got.clear()
    lab.target.run(f"systemctl start {UNIT}", check=False)
    # A unit of OnFailure= may tell of its own at any time.
    told = [each for each in switch.got if ".service: it has failed" not in each.body]
    assert told, lab.target.run(f"journalctl -u {UNIT} -n 5 -o cat --no-pager").stdout
    wait_until(lambda: left_behind(lab) == "", "nothing is left behind")
    return ("failure\n" if told[-1].path == f"{CHECK}/fail" else "") + told[-1].body


def left_behind(lab: Lab) -> str:
    return lab.target.run(f"find {BOX}/new {BOX}/cur -type f", check=False).stdout


def link(lab: Lab) -> Any:
    said = lab.target.run(f"{layout.COMMAND} doctor --json", check=False).stdout.splitlines()
    found = [each for each in map(json.loads, said) if each["link"] == "heartbeat"]
    assert found, said
    return found[0]


def looks(lab: Lab) -> list[str]:
    """The units of the looks that run. Words of systemd's follow each."""
    listed = "systemctl list-units --plain --no-legend 'letterbox-heartbeat-look@*.service'"
    return lab.target.run(listed).stdout.split()


@contextmanager
def looking(lab: Lab) -> Iterator[str]:
    """A look that waits, and its process."""
    hold = (
        "import socket, time; s = socket.socket(socket.AF_UNIX); "
        "s.connect('/run/letterbox-heartbeat-look.socket'); s.recv(9999); time.sleep(100)"
    )
    wait_until(lambda: not looks(lab), "no other look runs")
    lab.target.run(["systemd-run", "-q", "--unit=holds-look", "python3", "-c", hold])
    try:
        units = wait_until(lambda: looks(lab), "a look runs")
        pid = lab.target.run(f"systemctl show -p MainPID --value {units[0]}").stdout.strip()
        # Before it is this program, it is systemd's own, which sees everything.
        wait_until(lambda: "heartbeat-look" in lab.target.run(f"cat /proc/{pid}/cmdline").stdout, "it runs")
        yield pid
    finally:
        lab.target.run("systemctl stop holds-look")
