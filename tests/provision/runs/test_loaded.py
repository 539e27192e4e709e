"""What runs is what lies on disk: the deploy asks the service what it has loaded, on a real machine."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from provision.host import layout
from tests.deploys import deploy

BY_HAND = "echo '# by hand' >> {}"
RESTART = "systemctl restart letterbox.service"
RELOAD = "systemctl daemon-reload"
SERVICE, SOCKET = (f"{layout.UNIT_FOLDER}/{unit}" for unit in (layout.SERVICE_UNIT, layout.SOCKET_UNIT))


@pytest.fixture
def host(deployed) -> Iterator:
    """The lab. Afterwards it runs again what this checkout says, and nothing is left to do."""
    yield deployed
    assert deploy(deployed, "-y").code == 0


def loaded(lab) -> dict[str, object]:
    return json.loads(lab.target.run(f"cat {layout.LOADED}").stdout)


def sha256(lab, path: str) -> str:
    return lab.target.run(f"sha256sum {path}").stdout.split()[0]


def pid(lab) -> int:
    return int(lab.target.run("systemctl show -p MainPID --value letterbox.service").stdout)


def test_the_service_says_what_it_has_loaded(host) -> None:
    said = loaded(host)
    current = host.target.run(f"basename $(readlink {layout.CURRENT})").stdout.strip()
    der = host.target.run(f"openssl x509 -in {layout.CERTIFICATE} -outform DER | sha256sum").stdout.split()[0]
    expected = {
        "configuration": sha256(host, layout.CONFIGURATION),
        "release": current,
        "certificate": der,
        "pid": pid(host),
    }
    assert {key: said[key] for key in expected} == expected
    ends = host.target.run(f"date -u +%Y-%m-%dT%H:%M:%SZ -d \"$(openssl x509 -in {layout.CERTIFICATE} -noout "
                           "-enddate | cut -d= -f2)\"").stdout.strip()  # fmt: skip
    assert said["certificate_expires"] == ends


BREAKS = {
    "a configuration edited and restarted by hand": (
        f"{BY_HAND.format(layout.CONFIGURATION)} && {RESTART}",
        ["Configuration", "Service"],
    ),
    "a unit edited, reloaded and restarted by hand": (
        f"sed -i s/^MemoryMax=.*/MemoryMax=300M/ {SERVICE} && systemctl daemon-reload && {RESTART}",
        ["Units", "Service"],
    ),
    "a unit put back by a run that was cut off before the restart": (
        f"cp -p {SERVICE} /root/ && sed -i s/^MemoryMax=.*/MemoryMax=300M/ {SERVICE} && {RELOAD}"
        f" && {RESTART} && cp /root/letterbox.service {SERVICE} && {RELOAD}",
        ["Service"],
    ),
    "a unit touched, and systemd not told": (f"touch {SERVICE}", ["Units", "Service"]),
    "a socket unit edited and opened by hand": (
        f"sed -i s/^ListenStream=0.0.0.0:25/ListenStream=127.0.0.1:25/ {SOCKET} && {RELOAD} && "
        "systemctl stop letterbox.service letterbox.socket && "
        "systemctl start letterbox.socket letterbox.service",
        ["Units", "Service"],
    ),
    "a drop-in that came by hand": (
        f"mkdir -p {SERVICE}.d && printf '[Service]\\nEnvironment=MINE=1\\n' > {SERVICE}.d/mine.conf",
        ["Units", "Service"],
    ),
    "a drop-in that went by hand": (f"rm {SERVICE}.d/mine.conf && rmdir {SERVICE}.d", ["Units", "Service"]),
    "a report that was lost": (f"rm {layout.LOADED}", ["Service"]),
}


@pytest.mark.parametrize("case", BREAKS)
def test_what_is_not_loaded_is_seen_and_loaded(deployed, case) -> None:
    host, (command, changed) = deployed, BREAKS[case]
    if case == "a drop-in that went by hand":
        host.target.run(BREAKS["a drop-in that came by hand"][0])
        assert deploy(host, "-y").code == 0
    before = pid(host)
    host.target.run(command)
    foreseen = deploy(host, "--dry", "--json")
    run = deploy(host, "-y", "--json")
    assert (run.code, run.changed(), foreseen.changed()) == (0, changed, changed), run.stderr
    assert pid(host) != before
    assert loaded(host)["configuration"] == sha256(host, layout.CONFIGURATION)
    shown = host.target.run("systemctl show -p MemoryMax --value letterbox.service").stdout.strip()
    assert shown == str(512 * 1024 * 1024)
    open_at = host.target.run("ss -Hltn 'sport = :25' | awk '{print $4}' | sort").stdout.split()
    assert open_at == ["0.0.0.0:25", "[::]:25"]
    again = deploy(host, "-y", "--json")
    assert (again.code, again.changed()) == (0, []), again.stderr
    host.target.run(f"rm -rf {SERVICE}.d /root/letterbox.service; systemctl daemon-reload")


def test_a_drop_in_is_said_and_left(host) -> None:
    host.target.run(f"{BREAKS['a drop-in that came by hand'][0]} && {RELOAD}")
    try:
        run = deploy(host, "-y")
        assert (
            f"letterbox.service has a drop-in that is not the deploy's: {SERVICE}.d/mine.conf" in run.stderr
        )
        assert host.target.run(f"cat {SERVICE}.d/mine.conf").stdout
    finally:
        host.target.run(f"rm -r {SERVICE}.d; systemctl daemon-reload")
