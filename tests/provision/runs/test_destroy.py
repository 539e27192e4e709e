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
