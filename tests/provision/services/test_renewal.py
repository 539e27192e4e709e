"""The step that brings the unit that renews a certificate: what it decides, from what the host has."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyinfra.api.command import FunctionCommand

from dns.inventory.host_certificate import WantedCertificate
from provision.desired.files import sha256
from provision.desired.renewal import ProofZone, WantedRenewal, unit_texts
from provision.host.services.renewal import Renewal, parse_renewal
from provision.renewal import steps
from provision.renewal.steps import host_renews, token_problem
from provision.renewal.unit import commands
from tests.provision.hosts import DEPLOYED, KEY

SERVICE, TIMER = unit_texts(WantedCertificate("letsencrypt"), ProofZone("example.com", "0" * 32))
TOKEN = "a-token-for-one-zone-0123456789"
WANTED = WantedRenewal(SERVICE, TIMER, "0123456789abcdef", None)
RENEWING = Renewal(
    has_user=True,
    service=sha256(SERVICE),
    timer=sha256(TIMER),
    program=WANTED.program,
    token=sha256(TOKEN),
    runs=True,
    link=f"/var/lib/letterbox-certificate/{KEY.spki[:16]}/certificate.pem",
    state={"succeeded": True},
)
PROBED = """user 990
service 11
timer 22
program 0123456789abcdef
whole yes
rights root:root:600
token 33
enabled enabled
active active
reload no no
link /var/lib/letterbox-certificate/00/certificate.pem
state {"succeeded": true}"""


def words(renewal: Renewal | None, wanted: WantedRenewal | None = WANTED) -> list[str]:
    """What the step would do, a text for each command."""
    seen = replace(DEPLOYED, renewal=renewal)
    return [
        each.function.__name__ if isinstance(each, FunctionCommand) else each.get_raw_value()
        for each in commands(seen, wanted)
    ]


def test_a_host_that_is_as_it_should_be_is_left_alone() -> None:
    assert words(RENEWING) == []
    assert words(None, None) == []


@pytest.mark.parametrize(
    ("changed", "done"),
    [
        ({"has_user": False}, ["useradd --system --user-group"]),
        ({"runs": False}, ["systemctl enable -q --now letterbox-certificate.timer"]),
        ({"needs_reload": True}, ["systemctl daemon-reload"]),
        ({"service": "old"}, ["letterbox-certificate.service.new", "systemctl daemon-reload", "start"]),
        ({"timer": ""}, ["letterbox-certificate.timer.new", "systemctl daemon-reload"]),
        ({"link": ""}, ["ln -sfnT", "start"]),
        ({"state": {"succeeded": False}}, ["start"]),
        ({"state": {}}, ["start"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_differs_is_put_right_and_nothing_else(changed: dict[str, object], done: list[str]) -> None:
    found = words(replace(RENEWING, **changed))  # type: ignore[arg-type]
    assert len(found) == len(done)
    assert all(part in command for part, command in zip(done, found, strict=True)), found


def test_a_new_token_is_encrypted_and_is_in_no_command() -> None:
    assert words(RENEWING, replace(WANTED, token=TOKEN)) == []
    (command,) = commands(replace(DEPLOYED, renewal=RENEWING), replace(WANTED, token="b" + TOKEN))
    assert TOKEN not in command.get_raw_value()
    assert "systemd-creds encrypt --with-key=host" in command.get_raw_value()
    assert command.connector_arguments["_stdin"] == "b" + TOKEN


def test_what_is_not_wanted_any_more_is_removed_with_its_service_last() -> None:
    (removal,) = words(RENEWING, None)
    lines = removal.splitlines()
    assert lines[-2:] == [
        "rm -f /etc/systemd/system/letterbox-certificate.service",
        "systemctl daemon-reload'",
    ]
    assert words(Renewal(), None) == [removal], "also what a run that was cut off has left"


@pytest.mark.parametrize(
    ("given", "deploys", "said"),
    [
        (TOKEN, "another-token", ""),
        ("", "another-token", ""),
        (TOKEN, f" {TOKEN}\n", "LETTERBOX_CERTIFICATE_TOKEN is the deploy's own token"),
        (TOKEN, TOKEN, "is the deploy's own token"),
        ("short", "", "does not have the form of a token"),
        ("two words of it", "", "does not have the form of a token"),
    ],
)
def test_only_a_second_token_will_do(given: str, deploys: str, said: str) -> None:
    found = token_problem(given, deploys)
    assert said in found
    assert bool(found) == bool(said)


@pytest.mark.parametrize(
    ("given", "there", "itself"),
    [
        (TOKEN, None, True),
        (TOKEN, RENEWING, True),
        ("", RENEWING, True),
        ("", None, False),
        ("", Renewal(), False),
        ("", replace(RENEWING, token=""), False),
    ],
)
def test_a_host_renews_itself_only_with_a_token(given: str, there: Renewal | None, itself: bool) -> None:
    assert host_renews(given, there) is itself


def test_the_answer_of_a_host_is_read() -> None:
    assert parse_renewal([]) is None
    assert parse_renewal(PROBED.splitlines()) == Renewal(
        True, "11", "22", "0123456789abcdef", "33", True, False,
        "/var/lib/letterbox-certificate/00/certificate.pem", {"succeeded": True},
    )  # fmt: skip
    for good, bad, empty in (
        ("whole yes\n", "", "program"),
        ("root:root:600", "root:root:644", "token"),
        ("enabled enabled", "enabled disabled", "runs"),
        ('{"succeeded": true}', '{"succ', "state"),
        ('{"succeeded": true}', "[1]", "state"),
    ):
        found = parse_renewal(PROBED.replace(good, bad).splitlines())
        assert not getattr(found, empty), empty


def test_the_service_has_the_arguments_that_the_inventory_gives() -> None:
    certificate = WantedCertificate("https://ca.test/dir?a=1", "tlsserver", "example.net")
    service, _ = unit_texts(certificate, ProofZone("example.net", "ab" * 16, "http://api.test/a%20b"))
    (line,) = (each for each in service.splitlines() if each.startswith("ExecStart="))
    assert line.endswith(
        " --ca https://ca.test/dir?a=1 --profile tlsserver --zone example.net"
        f" --zone-id {'ab' * 16} --api http://api.test/a%%20b"
    )
    assert "--profile" not in SERVICE and "--api" not in SERVICE and "@ARGUMENTS@" not in SERVICE
    assert steps.TOKEN not in service
