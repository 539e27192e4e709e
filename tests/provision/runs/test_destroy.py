"""destroy.py leaves host and zone as they were before the deploy, and keeps the mail unless asked not to."""

from __future__ import annotations

from tests.deploys import deploy

LOOK = """
ls -d /opt/letterbox /etc/letterbox /usr/local/bin/letterbox /etc/systemd/system/letterbox.* 2>/dev/null
getent passwd letterbox; getent group letterbox
systemctl list-units --all --plain --no-legend 'letterbox.*'
for when in '' --permanent; do firewall-cmd $when --list-all-zones; done
ss -Hltn 'sport = :25'
"""


def test_a_destroyed_host_is_what_it_was_and_can_be_deployed_again_with_its_mail(fresh_lab) -> None:
    target, world = fresh_lab.target, fresh_lab.world
    before = target.run(LOOK).stdout
    records = _records(world)
    assert deploy(fresh_lab, "-y").code == 0
    assert target.run(LOOK).stdout != before
    world.send(b"Subject: keep me\r\n\r\nx\r\n", ["alice@example.test"])
    target.run("until ls /var/lib/letterbox/mail/example.test/alice/new/* 2>/dev/null; do sleep 0.1; done")

    foreseen = deploy(fresh_lab, "--dry", "--json", script="destroy.py")
    done = deploy(fresh_lab, "-y", "--json", script="destroy.py")
    assert (done.code, done.changed()) == (0, foreseen.changed()), done.stderr
    assert target.run(LOOK).stdout == before
    assert _records(world) == records
    mail = "find /var/lib/letterbox -type f ! -user root; ls /var/lib/letterbox/mail/example.test/alice/new"
    assert len(target.run(mail).stdout.split()) == 1
    again = deploy(fresh_lab, "-y", "--json", script="destroy.py")
    assert (again.code, again.changed()) == (0, []), again.stderr

    assert deploy(fresh_lab, "-y").code == 0
    assert deploy(fresh_lab, "-y", "--json").changed() == []
    world.send(b"Subject: and me\r\n\r\nx\r\n", ["alice@example.test"])
    target.run(
        "until [ $(ls /var/lib/letterbox/mail/example.test/alice/new | wc -l) = 2 ]; do sleep 0.1; done"
    )

    named = ("--data", "remove_mail=mx1.example.test")
    assert deploy(fresh_lab, "-y", *named, script="destroy.py").code == 0
    assert target.run(LOOK).stdout == before
    assert target.run("ls -d /var/lib/letterbox", check=False).stdout == ""


def _records(world) -> list[list[str]]:
    return [world.lookup(*question) for question in (("example.test", "MX"), ("mx1.example.test", "A"))]


def test_a_wrong_name_for_the_mail_is_refused_and_nothing_is_touched(deployed) -> None:
    before = deployed.target.run(LOOK).stdout
    run = deploy(deployed, "-y", "--data", "remove_mail=mx1.exmaple.test", script="destroy.py")
    assert run.code == 1
    assert "remove_mail=mx1.exmaple.test: the inventory has no host of this name" in run.stderr
    assert deployed.target.run(LOOK).stdout == before


def test_without_a_token_the_host_is_cleared_and_the_records_that_stay_are_said(deployed) -> None:
    records = _records(deployed.world)
    run = deploy(deployed, "-y", script="destroy.py", environment={"CLOUDFLARE_API_TOKEN": None})
    try:
        assert run.code == 0, run.stderr
        assert "these records stay" in run.stderr
        assert "the MX of example.test, A and AAAA of mx1.example.test" in run.stderr
        assert _records(deployed.world) == records
        assert deployed.target.run("ls -d /opt/letterbox", check=False).stdout == ""
    finally:
        assert deploy(deployed, "-y").code == 0


def test_one_that_was_cut_off_is_completed_by_the_next(deployed) -> None:
    """The units' files are gone, but systemd was not told; folders are empty, but there."""
    deployed.target.run(
        "rm /etc/systemd/system/letterbox.s* /etc/letterbox/letterbox.toml /opt/letterbox/current; "
        "rm -r /opt/letterbox/releases/* /opt/letterbox/generations/* /etc/letterbox/tls/*"
    )
    try:
        run = deploy(deployed, "-y", script="destroy.py")
        assert run.code == 0, run.stderr
        left = "ls -d /opt/letterbox /etc/letterbox /run/letterbox /usr/local/bin/letterbox;"
        left += "ss -Hltn 'sport = :25'"
        assert deployed.target.run(left, check=False).stdout == ""
        again = deploy(deployed, "-y", "--json", script="destroy.py")
        assert (again.code, again.changed()) == (0, []), again.stderr
    finally:
        assert deploy(deployed, "-y").code == 0


def test_a_zone_of_an_earlier_inventory_that_stays_open_is_said_with_what_closes_it(
    deployed, tmp_path
) -> None:
    """firewalld does not say who opened what, so it is left open. What the line says closes it."""
    target = deployed.target
    earlier = tmp_path / "inventory.py"
    text = deployed.inventory.read_text()
    earlier.write_text(text.replace('"ssh_user"', '"firewalld_zones": ["FedoraServer", "work"], "ssh_user"'))
    open_in_work = "firewall-cmd --zone=work --query-service=smtp"
    try:
        assert deploy(deployed, "-y", inventory=earlier).code == 0
        assert target.run(open_in_work).stdout == "yes\n"
        run = deploy(deployed, "-y", script="destroy.py")
        assert run.code == 0, run.stderr
        (line,) = [line for line in run.stderr.splitlines() if "25/tcp stays open" in line]
        assert "firewalld's zone work" in line
        assert target.run(open_in_work).stdout == "yes\n"
        target.run(line.partition("on the host: ")[2])
        for when in ("", "--permanent"):
            assert target.run(f"{open_in_work} {when}", check=False).stdout == "no\n"
        assert "25/tcp stays open" not in deploy(deployed, "-y", script="destroy.py").stderr
    finally:
        for when in ("", "--permanent"):
            target.run(f"firewall-cmd -q {when} --zone=work --remove-service=smtp")
        assert deploy(deployed, "-y").code == 0
