"""What each step does to a host, as tables: from the host as it is, to commands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provision import account, configuration, generation, release, service, system
from provision.desired.files import FOLDERS, folder_commands
from provision.host import layout
from provision.host.greeting import Greeting
from provision.host.observed import File, Observed
from provision.tls import certificate
from tests.provision.hosts import BARE, DEPLOYED, WANTED, with_file, without_file

SOCKET, SERVICE = layout.SOCKET_UNIT, layout.SERVICE_UNIT


def decided(seen: Observed) -> dict[str, list[str]]:
    """The commands of a deploy that finds the host like this, by step. Steps without any are left out."""
    steps = {
        "account": account.account_commands(seen),
        "folders": folder_commands(seen, FOLDERS),
        "configuration": configuration.configuration_commands(seen, WANTED),
        "certificate": certificate.certificate_commands(seen, WANTED.host.hostname),
        "release": release.switch_commands(seen, WANTED),
        "units": service.unit_commands(seen, WANTED),
        "service": service.service_commands(seen, WANTED),
        "superseded": generation.superseded(seen, WANTED),
    }
    return {
        name: [str(c) for c in commands]
        for name, commands in ((n, list(c)) for n, c in steps.items())
        if commands
    }


def test_a_deployed_host_needs_nothing() -> None:
    assert decided(DEPLOYED) == {}


def test_a_bare_host_needs_every_step() -> None:
    assert list(decided(BARE)) == [
        "account",
        "folders",
        "configuration",
        "certificate",
        "release",
        "units",
        "service",
    ]


def unit(name: str, **changed) -> Observed:
    return replace(DEPLOYED, units={**DEPLOYED.units, name: replace(DEPLOYED.units[name], **changed)})


DRIFT = {
    "the user has a shell": (
        replace(DEPLOYED, account=("letterbox:x:990:990::/var/lib/letterbox:/bin/bash", "letterbox:x:990:")),
        "account",
        "usermod --shell /usr/sbin/nologin letterbox",
    ),
    "the user has another home": (
        replace(DEPLOYED, account=("letterbox:x:990:990::/home/x:/sbin/nologin", "letterbox:x:990:")),
        "account",
        "usermod --home /var/lib/letterbox letterbox",
    ),
    "the user is in another group": (
        replace(
            DEPLOYED, account=("letterbox:x:990:100::/var/lib/letterbox:/sbin/nologin", "letterbox:x:990:")
        ),
        "account",
        "usermod --gid letterbox letterbox",
    ),
    "the mail folder is readable by others": (
        with_file(layout.MAIL, mode="755"),
        "folders",
        "install -d -m 700 -o letterbox -g letterbox /var/lib/letterbox/mail",
    ),
    "the mail folder is root's": (
        with_file(layout.MAIL, user="root"),
        "folders",
        "install -d -m 700 -o letterbox -g letterbox /var/lib/letterbox/mail",
    ),
    "the configuration was edited": (
        with_file(layout.CONFIGURATION, sha256="0"),
        "configuration",
        "check --config",
    ),
    "the configuration is readable by all": (
        with_file(layout.CONFIGURATION, mode="644"),
        "configuration",
        "chmod 640 /etc/letterbox/letterbox.toml",
    ),
    "the key is readable by all": (
        with_file(f"{layout.KEY_IN_USE}/key.pem", mode="644"),
        "certificate",
        "chmod 640 /etc/letterbox/tls/current/key.pem",
    ),
    "current points elsewhere": (
        with_file(layout.CURRENT, target="releases/0123"),
        "release",
        f"ln -sfnT releases/{WANTED.release} /opt/letterbox/current.new",
    ),
    "the command is gone": (without_file(layout.COMMAND), "release", "/usr/local/bin/letterbox"),
    "the socket is disabled": (unit(SOCKET, enabled=False), "service", "systemctl enable -q"),
    "the socket is down": (unit(SOCKET, active="failed"), "service", "systemctl start letterbox.socket"),
    "a run was cut off before the restart": (
        replace(DEPLOYED, running_generation="older"),
        "service",
        "systemctl restart letterbox.service",
    ),
    "a run was cut off before the generation was recorded": (
        replace(DEPLOYED, generations=()),
        "service",
        "ln -s ../../releases/",
    ),
    "the service is active and silent": (replace(DEPLOYED, greetings={}), "service", "systemctl restart"),
    "the service greets by another name": (
        replace(DEPLOYED, greetings={"127.0.0.1": Greeting(code=220, text="old.example.com ESMTP")}),
        "service",
        "systemctl restart",
    ),
}


def loaded(**changed) -> Observed:
    assert DEPLOYED.loaded
    return replace(DEPLOYED, loaded=replace(DEPLOYED.loaded, **changed))


def with_certificate(**changed) -> Observed:
    return replace(
        DEPLOYED, tls=replace(DEPLOYED.tls, certificate=replace(DEPLOYED.tls.certificate, **changed))
    )


def path_of(name: str) -> str:
    return f"{layout.UNIT_FOLDER}/{name}"


def with_drop_in(changed: float) -> Observed:
    seen, path = (
        unit(SERVICE, drop_ins=(f"{path_of(SERVICE)}.d/mine.conf",)),
        f"{path_of(SERVICE)}.d/mine.conf",
    )
    return replace(
        seen, files={**seen.files, path: File("regular file", "root", "root", "644", changed=changed)}
    )


RESTART, REOPEN = "systemctl restart letterbox.service", "systemctl start letterbox.socket"
NOT_LOADED = {
    "a configuration edited by hand was loaded": (loaded(configuration="0"), ["service"], RESTART),
    "another laptop's release was loaded": (loaded(release="0"), ["service"], RESTART),
    "the report is of a process that is gone": (loaded(pid=98), ["service"], RESTART),
    "the service does not say what it has loaded": (replace(DEPLOYED, loaded=None), ["service"], RESTART),
    "a unit was edited": (with_file(path_of(SERVICE), sha256="0"), ["units", "service"], RESTART),
    "a socket unit was edited": (with_file(path_of(SOCKET), sha256="0"), ["units", "service"], REOPEN),
    "a run was cut off before daemon-reload": (
        unit(SERVICE, needs_reload=True),
        ["units", "service"],
        RESTART,
    ),
    "a unit was put back after the start": (with_file(path_of(SERVICE), changed=101.0), ["service"], RESTART),
    "a socket was opened before its unit": (with_file(path_of(SOCKET), written=101.0), ["service"], REOPEN),
    "the certificate names another host": (
        with_certificate(names=("old.example.com",)),
        ["certificate", "service"],
        "systemctl reload",
    ),
    "the key is that of another certificate": (
        with_certificate(spki="0"),
        ["certificate", "service"],
        "systemctl reload",
    ),
    "a certificate was not loaded": (loaded(certificate="0"), ["service"], "systemctl reload"),
    "the release was unpacked anew after the start": (
        replace(DEPLOYED, unpacked=101.0),
        ["service"],
        RESTART,
    ),
    "the release is damaged": (
        replace(DEPLOYED, damaged=frozenset({WANTED.release})),
        ["service"],
        RESTART,
    ),
    "a drop-in came after the start": (with_drop_in(101.0), ["service"], RESTART),
}


@pytest.mark.parametrize("case", NOT_LOADED)
def test_what_is_not_loaded_is_loaded(case) -> None:
    seen, steps, command = NOT_LOADED[case]
    needed = decided(seen)
    assert list(needed) == steps
    assert command in " ; ".join(needed["service"])


def test_a_drop_in_that_is_loaded_needs_nothing() -> None:
    assert decided(with_drop_in(99.0)) == {}


@pytest.mark.parametrize("drift", DRIFT)
def test_a_drift_is_fixed_by_its_step_alone(drift) -> None:
    seen, step, command = DRIFT[drift]
    steps = decided(seen)
    assert list(steps) == [step]
    assert command in " ; ".join(steps[step])


@pytest.mark.parametrize(
    ("os", "answer"),
    [
        ({"ID": "fedora"}, "fedora"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "fedora"),
        ({"ID": "debian"}, "debian"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "debian"),
        ({"ID": "alpine"}, None),
        ({}, None),
    ],
)
def test_systems_are_known_by_their_family(os, answer) -> None:
    assert system.family(replace(BARE, os=os)) == answer


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (
            replace(BARE, os={"ID": "alpine", "PRETTY_NAME": "Alpine Linux v3.24"}),
            "this deploy does not know Alpine Linux v3.24: use Fedora, ",
        ),
        (replace(BARE, units={}), "systemd does not answer"),
        (replace(BARE, python="3.9"), "Python 3.9: the receiver needs 3.11 or later"),
        (replace(BARE, machine="riscv64"), "architecture riscv64"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_touched(seen, reason) -> None:
    assert reason in system.unsupported(seen)


def test_a_bare_fedora_is_supported() -> None:
    assert system.unsupported(BARE) is None


def test_a_host_without_python_yet_is_supported() -> None:
    assert system.unsupported(replace(BARE, python="")) is None
