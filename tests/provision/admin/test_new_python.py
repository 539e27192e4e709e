"""A host gets another Python under a running release. Mail is taken, and a deploy mends the rest."""

from __future__ import annotations

from provision.host import layout
from tests.conftest import unavailable
from tests.deploys import deploy
from tests.lab import lifecycle
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.machines import debian
from tests.lab.machines.image import Image
from tests.provision.admin.letters import arrived, doctor, identity, logged
from tests.receiver.checks.dkim import messages

NEW, SUITE = "3.13", "trixie"
# The system's own programs come for the new Python with it. Here they stay on the old one.
SWITCH = f"""
set -e
old=$(readlink -f /usr/bin/python3)
sed -i "1s|^#! */usr/bin/python3\\b.*|#!$old|" /usr/sbin/firewalld /usr/bin/firewall-cmd
ln -sfnT python{NEW} /usr/bin/python3
"""
HTML = "<p>Hello <b>Alice</b></p>"


def publish_key(lab: Lab) -> None:
    """Let the world know the key with which `send` signs."""
    record = f'sel._domainkey.sender.test. 60 TXT "{messages.record(messages.ed25519()).decode()}"'
    lab.world.run(["unbound-control", "-q", "local_data", record])


def send(lab: Lab, subject: str) -> None:
    """Send a message in HTML that is signed."""
    fields = (
        (b"From", b" Anna <stranger@sender.test>"),
        (b"Subject", f" {subject}".encode()),
        (b"Content-Type", b" text/html; charset=utf-8"),
    )
    signed = messages.signed(
        {"d": "sender.test", "a": "ed25519-sha256"},
        fields,
        HTML.encode() + b"\r\n",
        messages.ed25519(),
    )
    lab.world.send(signed, ["alice@example.test"])


def dkim(lab: Lab, subject: str) -> str:
    """Send a signed message. Returns the result of its signature."""
    send(lab, subject)
    message = arrived(lab, subject)
    said = logged(lab, identity(message))
    assert f"\tdkim={said['dkim']} " in message.partition("\nReceived:")[0]
    return said["dkim"]


def readable(lab: Lab, subject: str) -> None:
    """The commands that read mail know the newest message, HTML included."""
    assert "Hello Alice" in lab.target.run(f"{layout.COMMAND} show --text 1").stdout
    assert f'"subject": "{subject}"' in lab.target.run(f"{layout.COMMAND} list --json").stdout


def test_another_python_stops_no_mail_and_a_deploy_mends_what_does_not_load(fresh_lab: Lab) -> None:
    lab, target = fresh_lab, fresh_lab.target
    assert deploy(lab, "-y").code == 0
    publish_key(lab)
    assert dkim(lab, "before") == "pass"
    old = target.run("python3 -c 'import sys; print(*sys.version_info[:2], sep=\".\")'").stdout.strip()
    assert old != NEW

    try:
        debian.install(target, Image(lab.system), f"python{NEW}", suite=SUITE)
    except LabError as error:
        unavailable(str(error))
    target.run(SWITCH)

    # What runs has its libraries in memory. A new process of it has not.
    assert dkim(lab, "the old process") == "pass"
    readable(lab, "the old process")
    target.run("systemctl restart letterbox")
    assert dkim(lab, "after the restart") == "temperror"
    readable(lab, "after the restart")
    lifecycle.power_cycle(lab, target)
    assert dkim(lab, "after the reboot") == "temperror"

    said = doctor(lab)["release"]
    assert said["holds"] is False
    assert str(said["evidence"]).endswith(f"was built for Python {old}, and this host has {NEW}")
    assert said["fix"] == "pyinfra inventory.py deploy.py"
    log = target.run("journalctl -b -u letterbox -o cat").stdout
    assert "event=error check=dkim" in log
    assert "Traceback" not in log

    mended = deploy(lab, "-y", "--json")
    assert (mended.code, mended.changed()) == (
        0,
        ["Release, unpacked", "Release, current", "Service"],
    ), mended.stderr
    assert dkim(lab, "after the deploy") == "pass"
    assert [link for link in doctor(lab).values() if link["holds"] is False] == []
    assert deploy(lab, "-y", "--json").changed() == []
