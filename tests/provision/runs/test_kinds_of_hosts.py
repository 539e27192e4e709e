"""Hosts in other states than a fresh Fedora: Debian, and a host after a power cut."""

from __future__ import annotations

from tests.deploys import deploy, greeting_whoever_comes
from tests.lab import lifecycle

ASK = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/25 && head -1 <&3'"


def test_after_a_power_cut_it_greets_by_itself_and_a_deploy_finds_nothing_to_do(fresh_lab) -> None:
    assert deploy(fresh_lab, "-y").code == 0
    fresh_lab.world.send(b"Subject: before the cut\r\n\r\nx\r\n", ["alice@example.test"])
    mail = "/var/lib/letterbox/mail/example.test/alice/new"
    fresh_lab.target.run(f"until ls {mail}/* 2>/dev/null; do sleep 0.1; done")
    lifecycle.power_cycle(fresh_lab, fresh_lab.target)
    assert fresh_lab.target.run(ASK).stdout.startswith("220 mx1.example.test ")
    again = deploy(fresh_lab, "-y", "--json")
    assert (again.code, again.changed()) == (0, []), again.stderr
    fresh_lab.world.send(b"Subject: after the cut\r\n\r\nx\r\n", ["alice@example.test"])
    fresh_lab.target.run(f"until [ $(ls {mail} | wc -l) = 2 ]; do sleep 0.1; done")


def test_a_debian_host_is_deployed_too(fresh_lab, tmp_path) -> None:
    """The world machine is Debian without firewalld. Its own mail server is stopped, to free port 25."""
    world = fresh_lab.world
    world.run("systemctl disable -q --now postfix")
    text = fresh_lab.inventory.read_text()
    for old, new in (
        ('"mx1.example.test",', '"mx9.example.test",'),
        (f'"{fresh_lab.target.ipv4}"', f'"{world.ipv4}"'),
        (f'"{fresh_lab.target.ipv6}"', f'"{world.ipv6}"'),
    ):
        assert old in text
        text = text.replace(old, new)
    inventory = tmp_path / "inventory.py"
    inventory.write_text(text)
    run = deploy(fresh_lab, "-y", inventory=inventory)
    assert run.code == 0, run.stderr
    assert world.run(ASK).stdout.startswith("220 mx9.example.test ")
    again = deploy(fresh_lab, "-y", "--json", inventory=inventory)
    assert (again.code, again.changed()) == (0, []), again.stderr


def test_a_host_that_greets_whoever_comes_is_deployed_too(deployed) -> None:
    """A greeting is not an answer."""
    with greeting_whoever_comes(deployed):
        run = deploy(deployed, "-y", "--json")
        assert (run.code, run.changed()) == (0, []), run.stderr


def test_a_sudo_that_asks_is_said_with_the_line_that_changes_this(deployed, tmp_path) -> None:
    inventory = tmp_path / "inventory.py"
    inventory.write_text(deployed.inventory.read_text().replace('"ssh_user": "root"', '"ssh_user": "fedora"'))
    allowed = deployed.target.run("grep -ls NOPASSWD /etc/sudoers.d/* /etc/sudoers").stdout.split()
    assert allowed
    for path in allowed:
        deployed.target.run(
            f"cp -a {path} /root/{path.rpartition('/')[2]}.kept && sed -i s/NOPASSWD:// {path}"
        )
    try:
        run = deploy(deployed, "-y", inventory=inventory)
    finally:
        for path in allowed:
            deployed.target.run(f"mv /root/{path.rpartition('/')[2]}.kept {path}")
    assert run.code == 1
    assert "may not become root without typing (sudo: " in run.stderr
    assert "NOPASSWD: ALL" in run.stderr
