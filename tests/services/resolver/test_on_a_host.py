"""Who answers the questions of the sender checks on a host: systemd-resolved, or our own resolver.

The world's resolver forwards the zone of `answers` to a nameserver of this machine, which can fail as it is
told. The questions are asked on the target by the client of the deployed release, as the service's user, in
the service's own mounts and network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from provision.host import layout
from receiver.checks.dns_query import TXT
from tests.deploys import deploy
from tests.dns.loopback.nameserver import Nameserver
from tests.lab.lab import Lab
from tests.lab.network import CONTROL
from tests.services.resolver.answers import ANSWERS, ORIGIN, ZONE, in_any_order

UNITS = (layout.RESOLVER_SOCKET_UNIT, layout.RESOLVER_SERVICE)
RESOLVED = "systemd-resolved-varlink.socket systemd-resolved-monitor.socket systemd-resolved.service"
ASK = """
import asyncio, json, sys, time
sys.path.insert(0, "/opt/letterbox/current/lib")
from pathlib import Path
from receiver.checks.dns_query import TemporaryFailure
from receiver.checks.resolver import VarlinkResolver

async def main(path, patience, questions):
    resolver, told = VarlinkResolver(Path(path), patience), []
    for name, kind in questions:
        began = time.monotonic()
        try:
            answer = await resolver.query(name, kind)
            words = [answer.exists, sorted(map(str, answer.records))]
        except TemporaryFailure as error:
            words = str(error)
        told.append([words, time.monotonic() - began])
    print(json.dumps(told))

asyncio.run(main(*json.loads(sys.argv[1])))
"""


def ask(lab: Lab, *questions: tuple[str, int], patience: float = 5.0) -> list[tuple[Any, float]]:
    """What the host's resolver answers, with the seconds that each answer took."""
    configuration = lab.target.read(layout.CONFIGURATION).decode()
    (path,) = re.findall(r'^resolver = "(.*)"$', configuration, re.MULTILINE)
    pid = lab.target.run(f"systemctl show -p MainPID --value {layout.SERVICE_UNIT}").stdout.strip()
    inside = ["nsenter", "--target", pid, "--mount", "--net"]
    user = ["setpriv", "--reuid", layout.USER, "--regid", layout.USER, "--clear-groups"]
    arguments = json.dumps([path, patience, questions])
    said = lab.target.run([*inside, *user, "python3", "-I", "-c", ASK, arguments]).stdout
    return [(told, seconds) for told, seconds in json.loads(said)]


def wrong_answers(lab: Lab) -> list[str]:
    """What the host's resolver answers that is not in the table, a line each."""
    told = ask(lab, *ANSWERS)
    found = []
    for (question, expected), (words, _) in zip(ANSWERS.items(), told, strict=True):
        known = in_any_order(expected)
        if words != [known.exists, sorted(map(str, known.records))]:
            found.append(f"{question}: {words!r}")
    return found


@pytest.fixture(scope="module")
def nameserver(deployed: Lab) -> Iterator[Nameserver]:
    address = deployed.network.address4(CONTROL)
    with Nameserver(None, {}, address, 53, zones={ORIGIN: ZONE}, recursive=True) as running:
        deployed.world.run(f"unbound-control -q forward_add +i {ORIGIN}. {address}")
        yield running
        deployed.world.run(f"unbound-control -q forward_remove +i {ORIGIN}.")


@contextmanager
def without_resolved(lab: Lab) -> Iterator[None]:
    """The target while its systemd-resolved is switched off, as an admin may."""
    try:
        lab.target.run(f"systemctl mask -q --now {RESOLVED}")
        yield
    finally:
        lab.target.run(f"systemctl unmask -q {RESOLVED} && systemctl start {RESOLVED}")


def test_a_resolver_that_is_stopped_costs_no_time_and_the_doctor_names_it(deployed: Lab) -> None:
    with without_resolved(deployed):
        answers = ask(deployed, *[(f"s._domainkey.{ORIGIN}", TXT)] * 5)
        doctor = deployed.target.run(f"{layout.COMMAND} doctor --json", check=False).stdout
    assert {told for told, _ in answers} == {"the receiver has no resolver"}
    assert min(seconds for _, seconds in answers) < 1, "a busy machine may stand still, but not each time"
    links = list(map(json.loads, doctor.splitlines()))
    (link,) = (each for each in links if each["link"] == "resolver")
    assert link["holds"] is None
    assert "no resolver at /run/systemd/resolve/io.systemd.Resolve" in link["evidence"]
    assert link["look"].startswith(
        "systemctl enable --now systemd-resolved; or pyinfra inventory.py deploy.py"
    )
    assert not [each for each in links if each["holds"] is False]


@pytest.fixture(scope="module", params=["systemd-resolved", "letterbox-resolver"])
def host(request: pytest.FixtureRequest, deployed: Lab, nameserver: Nameserver) -> Iterator[Lab]:
    """The target with one resolver, then with the other."""
    if request.param == "systemd-resolved":
        yield deployed
        return
    with without_resolved(deployed):
        run = deploy(deployed, "-y", "--json")
        assert (run.code, "Resolver, if needed" in run.changed()) == (0, True), run.stderr
        again = deploy(deployed, "-y", "--json")
        assert (again.code, again.changed()) == (0, []), again.stderr
        yield deployed
    run = deploy(deployed, "-y", "--json")
    assert run.code == 0, run.stderr
    gone = deployed.target.run(
        f"ls -d {layout.RESOLVER_PROGRAM} /etc/systemd/system/letterbox-resolver* /run/letterbox-resolver; "
        "systemctl list-units --all --plain --no-legend 'letterbox-resolver*'",
        check=False,
    )
    assert gone.stdout == ""
    assert deploy(deployed, "-y", "--json").changed() == []


def test_the_answers_are_those_of_any_resolver(host: Lab) -> None:
    assert wrong_answers(host) == []


def test_the_hosts_own_name_is_answered(host: Lab) -> None:
    """systemd-resolved asks no nameserver for it. SPF with `mx` needs it for mail that claims to be ours."""
    ((told, _),) = ask(host, ("mx1.example.test", 1))
    assert told == [True, [host.target.ipv4]]


def test_a_failure_is_unknown(host: Lab, nameserver: Nameserver) -> None:
    nameserver.faults[f"servfail.{ORIGIN}", "*"] = "SERVFAIL"
    try:
        ((told, _),) = ask(host, (f"servfail.{ORIGIN}", TXT))
    finally:
        nameserver.reset()
    assert told == f"DNSError 2 for servfail.{ORIGIN}"


def test_silence_is_unknown_in_time_and_over_as_soon_as_it_ends(host: Lab) -> None:
    route = f"blackhole {host.target.ipv4}/32"  # what the world's resolver answers does not arrive
    host.world.run(f"ip route add {route}")
    try:
        ((told, seconds),) = ask(host, (f"silent.{ORIGIN}", TXT), patience=2.0)
    finally:
        host.world.run(f"ip route del {route}")
    assert told == f"no answer for silent.{ORIGIN} in 2 s"
    assert 1.9 < seconds < 10
    ((told, _),) = ask(host, (f"heard.{ORIGIN}", TXT))
    assert told == [False, []]


def test_the_doctor_sees_it_answer(host: Lab, request: pytest.FixtureRequest) -> None:
    said = host.target.run(f"{layout.COMMAND} doctor --json", check=False).stdout
    links = {link["link"]: link for link in map(json.loads, said.splitlines())}
    assert links["resolver"]["holds"] is True, links["resolver"]
    assert f"({request.node.callspec.params['host']}, " in links["resolver"]["evidence"]


def test_the_receivers_sandbox_is_as_tight_as_before(host: Lab) -> None:
    assert exposure(host, layout.SERVICE_UNIT) <= 0.4


@pytest.mark.parametrize("host", ["letterbox-resolver"], indirect=True)
def test_the_socket_is_for_the_receiver_alone_and_the_program_is_boxed_in(host: Lab) -> None:
    assert host.target.run(f"stat -c '%U:%G %a' {layout.RESOLVER}").stdout == "root:letterbox 660\n"
    assert exposure(host, layout.RESOLVER_SERVICE) <= 1.2
    assert host.target.run(f"systemd-analyze verify --man=no {' '.join(UNITS)}").stderr == ""
    pid = host.target.run(f"systemctl show -p MainPID --value {layout.RESOLVER_SERVICE}").stdout.strip()
    assert host.target.run(f"stat -c %U /proc/{pid}").stdout.strip() not in ("root", layout.USER)
    kilobytes = int(host.target.run(f"sed -n 's/VmHWM://p' /proc/{pid}/status").stdout.split()[0])
    print(f"{kilobytes / 1024:.0f} MiB at most")
    assert kilobytes < 64 * 1024, "MemoryMax is 128M"


def exposure(lab: Lab, unit: str) -> float:
    said = lab.target.run(f"systemd-analyze security --no-pager {unit}").stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found
    print(found[0])
    return float(found[1])
