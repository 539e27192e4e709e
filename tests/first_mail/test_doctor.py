"""The doctor names exactly the link of a message's path that is broken, on a deployed host."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from first_mail import doctor, message_path, proof
from receiver.doctor import links
from tests.deploys import greeting_whoever_comes
from tests.first_mail.breaking import host, record
from tests.lab.lab import Lab

Examined = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def examined(
    deployed: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Examined:
    """Run the doctor on the lab. It gives the exit code, and the links that were printed."""
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def run(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
        capsys.readouterr()
        code = doctor.main(
            [
                str(deployed.inventory),
                "--json",
                "--reference",
                "mail.sender.test",
                "--seconds",
                "12",
                *arguments,
            ]
        )
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def test_with_nothing_broken_it_finds_nothing(examined: Examined) -> None:
    for _ in range(2):  # the second time, a message has been stored
        code, links = examined()
        assert (code, [link["link"] for link in links if link["holds"] is not True]) == (0, [])
    assert [link["link"] for link in links] == [name for name in ORDER if name != "program"]


ORDER = [
    *("delegation", "zone", "program", "MX", "address", "proxied", "packet", "firewall zone"),
    *("packet filter", "socket", "configuration", "certificate", "owners", "release", "service", "loaded"),
    *("greeting", "STARTTLS", "RCPT", "disk", "Maildir", "resolver", "sender checks", "outside"),
]


def test_the_vantage_point_can_be_a_host_of_the_inventory(examined: Examined) -> None:
    code, links = examined("--from", "mx1.example.test")
    assert (code, links[-1]["link"]) == (0, "outside")
    assert "mx1.example.test is greeted" in links[-1]["evidence"]


def test_a_host_that_greets_whoever_comes_is_examined_too(examined: Examined, deployed: Lab) -> None:
    with greeting_whoever_comes(deployed):
        code, links = examined()
    assert (code, [link["link"] for link in links if link["holds"] is not True]) == (0, [])


def test_a_bare_host_is_to_be_deployed_and_not_its_dns_synced(examined: Examined, deployed: Lab) -> None:
    """On a bare host there are no records either. A deploy makes both, in the right order."""
    hide = host("mv /usr/local/bin/letterbox /root/command", "mv /root/command /usr/local/bin/letterbox")
    with hide(deployed), record(deployed, "MX", None):
        code, links = examined()
    assert code == 2
    assert (links[-1]["link"], links[-1]["fix"]) == ("program", "pyinfra inventory.py deploy.py")


def test_nothing_is_left_on_the_host_of_the_counting(examined: Examined, deployed: Lab) -> None:
    before = deployed.target.run("nft list ruleset | sha256sum").stdout
    examined()
    assert deployed.target.run("nft list ruleset | sha256sum").stdout == before
    assert deployed.target.run("grep -c . /proc/net/packet").stdout.strip() == "1"


def test_if_ssh_fails_the_dns_is_still_looked_at(
    deployed: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)
    other = tmp_path / "inventory.py"
    text = deployed.inventory.read_text().replace(
        f'"ssh_hostname": "{deployed.target.ipv4}"', '"ssh_hostname": "::1"'
    )
    other.write_text(text.replace('"ssh_user"', '"ssh_port": 9, "ssh_user"'))
    assert doctor.main([str(other), "--json"]) == 1
    said = capsys.readouterr()
    assert [json.loads(line)["link"] for line in said.out.splitlines()] == list(message_path.IN_THE_DNS)
    assert "cannot be reached over ssh" in said.err
    assert len(said.err.splitlines()) == 1


def test_a_link_of_a_host_of_0_1_is_read_too() -> None:
    """There a fix is called `mend`, and there is no `look`."""
    old = links.from_json({"link": "socket", "holds": False, "evidence": "down", "mend": "start it"})
    assert (old.holds, old.fix) == (False, "start it")
    assert links.from_json(old.to_json()) == old
    fine = links.from_json({"link": "socket", "holds": True, "evidence": "it listens", "mend": None})
    assert fine.holds
    assert fine.to_json()["fix"] is None


@pytest.mark.parametrize("arguments", [["--frob"], ["--seconds", "x"], ["--resolver", "one.test"]])
def test_wrong_usage_is_no_broken_link(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        doctor.main(arguments)
    assert ended.value.code == 1  # 2 says that a link is broken
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_proof_takes_no_time_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        proof.main(["--timeout", "nan"])
    assert ended.value.code == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
