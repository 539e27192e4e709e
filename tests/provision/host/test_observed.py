"""The probe's answer as a value: what could not be read is never taken for absent, or for right."""

from __future__ import annotations

import base64
import gzip
import shlex
import shutil
import subprocess

import pytest
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.connectors.util import make_unix_command

from provision.host import layout, probe
from provision.host.answer import parse_sections
from provision.host.fact import HostObservation, Unreadable
from provision.host.firewalld_state import parse_firewalld
from provision.host.observed import Observed
from provision.host.served import Served
from provision.run.step import for_any_shell
from provision.zones.facts import own_addresses
from tests.provision.host.test_firewalld_state import answer, variants
from tests.provision.hosts import WANTED

SERVED = Served("mx1.example.com", {"example.com": ("alice", "bob")})
OLDER = WANTED.configuration.replace('"bob"', '"carol"')
COPY = f"{layout.GENERATIONS}/{{}}/letterbox.toml"
ROUTE = '[{"dst":"default","gateway":"198.18.0.1","dev":"eth0","flags":[]}]'
FINE = {
    "uid": ["0"],
    "missing": ["python3-3.14-1.x86_64", "no package provides openssl"],
    "rpm status": ["1"],
    "firewalld": ["installed\t", "active\tinactive", "enabled\tnot-found"],
    "addresses": ["[]"],
    "routes": [ROUTE, "[]"],
}


def seen(**sections: list[str]) -> Observed:
    """A host that answers well, but for these sections (`_` for a space in a name)."""
    return parse_sections({**FINE, **{name.replace("_", " "): lines for name, lines in sections.items()}})


def packed(path: str, text: str) -> str:
    return f"{path} {base64.b64encode(gzip.compress(text.encode())).decode()}"


def test_a_host_that_answers_well_has_nothing_unread() -> None:
    assert seen().unread == {}
    assert seen().missing_packages == ("openssl",)
    assert seen().default_interfaces == ("eth0",)


def test_a_bare_host_serves_nothing() -> None:
    assert seen(configurations=[]).served is None


def test_what_a_host_serves_is_read_from_its_configuration() -> None:
    host = seen(configurations=[packed(layout.CONFIGURATION, WANTED.configuration)])
    assert (host.served, host.unread) == (SERVED, {})


@pytest.mark.parametrize("lost", [[], [packed(layout.CONFIGURATION, "by hand: broken")]])
def test_where_the_configuration_is_lost_or_broken_the_generation_that_runs_tells(lost: list[str]) -> None:
    host = seen(
        configurations=[
            *lost,
            packed(COPY.format("g1"), OLDER),
            packed(COPY.format("g2"), WANTED.configuration),
        ],
        generations=["g1 release-1", "g2 release-2"],
        running=["LETTERBOX_GENERATION=g2"],
    )
    assert (host.served, host.unread) == (SERVED, {})
    assert [each.name for each in host.generations] == ["g1", "g2"]
    assert host.generations[1].served == SERVED


@pytest.mark.parametrize("text", [f"{layout.CONFIGURATION} ", f"{layout.CONFIGURATION} !!", "broken"])
def test_a_configuration_that_nobody_can_read_is_not_one_that_serves_nothing(text: str) -> None:
    line = text if " " in text else packed(layout.CONFIGURATION, text)
    reason = seen(configurations=[line]).unread["served"]
    assert reason.startswith(f"which domains it serves cannot be told, because {layout.CONFIGURATION} is")


@pytest.mark.parametrize(
    ("lines", "status", "missing", "unread"),
    [
        (["a-1", "b-1", "c-1"], "0", (), False),
        (["no package provides openssl", "c-1"], "1", ("openssl",), False),
        (["openssl", "firewalld"], "", ("openssl", "firewalld"), False),  # dpkg
        ([], "1", (), True),
        ([], "127", (), True),
    ],
)
def test_packages_that_rpm_does_not_tell_are_not_taken_for_installed(
    lines: list[str], status: str, missing: tuple[str, ...], unread: bool
) -> None:
    host = seen(missing=lines, rpm_status=[status])
    assert (host.missing_packages, "packages" in host.unread) == (missing, unread)


@pytest.mark.parametrize("routes", [["unread"], [ROUTE, "unread"], ["Error: noise", "[]"]])
def test_routes_that_cannot_be_read_are_not_taken_for_none(routes: list[str]) -> None:
    assert seen(routes=routes).default_interfaces is None


def test_a_host_without_a_default_route_has_none() -> None:
    assert seen(routes=["[]", "[ ]"]).default_interfaces == ()


@pytest.mark.parametrize("lines", [[], ["ip: command not found"]])
def test_addresses_that_cannot_be_read_are_not_taken_for_none(lines: list[str]) -> None:
    """Otherwise a host whose inventory names only its IPv4 address would lose its AAAA record."""
    with pytest.raises(DeployError, match="host mx1: its addresses could not be read"):
        own_addresses("mx1", seen(addresses=lines))
    assert own_addresses("mx1", seen()).ipv6 == ()


RUNNING = {
    "active": "active\tactive",
    "default": "default\tpublic",
    "known": answer("known", "as", ["public", "dmz"]),
    "zones": answer("active zones", "a{sa{sas}}", {}),
    "runtime": answer("runtime public", "a{sv}", variants(services=["ssh"])),
}


def test_a_firewall_that_answers_is_read() -> None:
    assert parse_firewalld(RUNNING.values()).unread == ""
    asked_by_the_inventory = [*RUNNING.values(), "runtime dmzz\t", "permanent dmzz\t"]
    assert parse_firewalld(asked_by_the_inventory).unread == "", (
        "a zone that does not exist is said elsewhere"
    )


@pytest.mark.parametrize(
    ("part", "silence"),
    [
        ("default", "default\t"),
        ("known", "known\t"),
        ("known", "known\tCall failed: Connection timed out"),
        ("zones", "active zones\t"),
        ("runtime", "runtime public\t"),
        ("active", "active\t"),
        ("active", "active\tactivating"),
    ],
)
def test_a_firewall_that_does_not_answer_is_not_one_that_closes_nothing(part: str, silence: str) -> None:
    lines = [*{**RUNNING, part: silence}.values()]
    assert parse_firewalld(lines).unread.startswith("firewalld")
    assert "firewalld" in seen(firewalld=lines).unread


def test_a_firewall_that_waits_for_the_next_boot_and_cannot_be_read_is_said() -> None:
    assert parse_firewalld(["active\tinactive", "enabled\tenabled", "default\t"]).unread
    assert not parse_firewalld(["active\tinactive", "enabled\tenabled", "default\tpublic"]).unread


@pytest.mark.parametrize(
    "output",
    [
        [],
        ["Last login: today"],
        [f"{probe.MARK} uid", "motd", "0"],
        [f"{probe.MARK} uid", "0", f"{probe.MARK} files", "stat: weird"],
    ],
)
def test_what_is_no_answer_of_the_probe_is_said_to_be_none(output: list[str]) -> None:
    assert isinstance(HostObservation().process(output), Unreadable)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (["This account is currently not available."], "'This account is currently not available.'"),
        ([], "the login shell ran nothing"),
        (
            [f"{probe.MARK} uid", "1000", f"{probe.MARK} sudo", "sudo: a password is required"],
            "may not become root without typing (sudo: a password is required)",
        ),
    ],
)
def test_what_is_in_the_way_is_said_with_its_fix(output: list[str], said: str) -> None:
    answer = HostObservation().process(output)
    assert isinstance(answer, Unreadable)
    assert said in answer.reason


@pytest.mark.parametrize("shell", ["sh", "bash", "fish", "csh", "tcsh", "zsh"])
def test_a_script_reaches_sh_whole_through_every_login_shell(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    odd = "printf '%s\\n' \"it's\" '\\\\' '!x' \"$((1 + 1))\"\necho '$HOME \"'"
    done = subprocess.run([shell, "-c", probe.wrapped(odd)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["it's", "\\\\", "!x", "2", '$HOME "']


@pytest.mark.parametrize("shell", ["sh", "bash", "fish", "csh", "tcsh", "zsh"])
def test_a_command_of_a_step_reaches_sh_whole_through_every_login_shell(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    odd = "printf '%s\\n' \"it's\" '\\\\' '!x'\ncat"
    command = for_any_shell(StringCommand("sh -c", shlex.quote(odd), _stdin="given\n"))
    line = make_unix_command(command).get_raw_value()
    assert command.connector_arguments == {"_stdin": "given\n"}
    done = subprocess.run([shell, "-c", line], input="given\n", capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["it's", "\\\\", "!x", "given"]


def test_a_folder_that_is_no_generation_is_passed_over() -> None:
    assert (
        seen(generations=["lost+found", "by hand x y", "g1 release-1", "g2.new r"]).generations[0].name
        == "g1"
    )


def test_the_probe_of_this_machine_is_read_with_noise_before_it() -> None:
    script = ["sh", "-c", probe.script(())]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60, check=True)
    lines = ["Welcome!", "0", f"{probe.MARK} uid", "0", *done.stdout.splitlines()]
    assert {"os", "missing", "configurations", "routes", "firewalld"} <= probe.sections(lines).keys()
    assert isinstance(HostObservation().process(lines), Observed)


def test_a_folder_with_something_of_others_in_it_is_not_a_leftover() -> None:
    old, dead = f"{layout.KEY_FOLDERS}/0123456789abcdef", f"{layout.KEY_FOLDERS}/7.new"
    assert seen(leftovers=[old, dead]).leftovers == (old, dead)
    assert seen(leftovers=[old, dead], foreign=[f"{old}/notes"]).leftovers == (dead,)
