"""A host whose admin runs Debian's rspamd: what it marks, what it refuses, and that it may break."""

from __future__ import annotations

from pathlib import Path

from receiver.spam_filter import DEADLINE
from tests.conftest import unavailable
from tests.deploys import deploy
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.machines import debian
from tests.lab.machines.image import Image
from tests.provision.admin.letters import MAIL, arrived, doctor, identity, logged
from tests.waiting import wait_until

SOCKET = "/run/rspamd/normal.sock"
# The commands of docs/spam-filter.md, without the installation.
SET_UP = f"""
echo 'bind_socket = "{SOCKET} mode=0660";' > /etc/rspamd/local.d/worker-normal.inc
usermod -aG _rspamd letterbox
systemctl restart rspamd letterbox
until [ -S {SOCKET} ]; do sleep 0.1; done
"""
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def with_filter(lab: Lab, folder: Path, value: object) -> Path:
    """The lab's inventory, whose host has this spam filter."""
    text, key = lab.inventory.read_text(), '"allow_private_address": True,'
    assert text.count(key) == 1
    path = folder / "inventory.py"
    path.write_text(text.replace(key, f'{key} "spam_filter": {value!r},'))
    return path


def send(lab: Lab, subject: str, body: str = "Hello Alice,\r\n\r\nhow are you?", attached: str = "") -> None:
    kind = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    if attached:
        parts = (f"--x\r\n{kind}{each}\r\n" for each in (body, attached))
        kind, body = "Content-Type: multipart/mixed; boundary=x\r\n\r\n", "".join(parts) + "--x--"
    message = (
        "From: Anna <stranger@sender.test>\r\nTo: Alice <alice@example.test>\r\n"
        f"Subject: {subject}\r\nDate: Thu, 26 Nov 2026 09:00:00 +0000\r\n"
        f"Message-ID: <{subject.replace(' ', '.')}@sender.test>\r\nMIME-Version: 1.0\r\n"
        f"{kind}{body}\r\n"
    )
    lab.world.send(message.encode(), ["alice@example.test"])


def test_debians_rspamd_marks_spam_refuses_it_if_asked_to_and_costs_no_mail(
    fresh_lab: Lab, tmp_path: Path
) -> None:
    lab, target = fresh_lab, fresh_lab.target
    inventory = with_filter(lab, tmp_path, SOCKET)
    assert deploy(lab, "-y", inventory=inventory).code == 0

    # There is no rspamd yet.
    send(lab, "before")
    said = logged(lab, identity(arrived(lab, "before")))
    assert said["spam"] == "unknown"
    assert float(said["spam_seconds"]) < DEADLINE, "nobody is waited for"
    assert doctor(lab)["spam filter"]["holds"] is None

    try:
        debian.install(target, Image(lab.system), "rspamd")
    except LabError as error:
        unavailable(str(error))
    target.run(SET_UP)
    assert doctor(lab)["spam filter"]["evidence"].startswith("rspamd answers (")
    assert deploy(lab, "-y", "--json", inventory=inventory).changed() == []

    send(lab, "a letter")
    letter = arrived(lab, "a letter")
    assert (logged(lab, identity(letter))["spam"], "X-Spam" in letter) == ("no", False)
    send(lab, "an offer", GTUBE)
    assert "\nX-Spam: Yes, score=15.0, required=6.0\r\n" in arrived(lab, "an offer")
    send(lab, "a large offer", GTUBE, attached="0123456789abcdef\r\n" * 20_000)
    assert "\nX-Spam: Yes, score=15.0, required=6.0\r\n" in arrived(lab, "a large offer")

    # It may refuse.
    refusing = with_filter(lab, tmp_path, {"socket": SOCKET, "refuses": True})
    run = deploy(lab, "-y", "--json", inventory=refusing)
    assert run.changed() == ["Configuration", "Service"]
    send(lab, "a second offer", GTUBE)
    (bounce,) = wait_until(lab.world.bounces, "the second offer bounces")
    assert "554 5.7.1 Message refused: our spam filter takes it for spam" in " ".join(bounce.split())
    assert "a second offer" not in target.run(f"cat {MAIL}/*").stdout
    send(lab, "a second letter")
    assert "X-Spam" not in arrived(lab, "a second letter")

    # It is silent.
    target.run("pkill -STOP -f 'rspamd: normal process'")
    send(lab, "while it is silent")
    said = logged(lab, identity(arrived(lab, "while it is silent")))
    assert (said["spam"], float(said["spam_seconds"]) >= DEADLINE) == ("unknown", True)
    target.run("pkill -CONT -f 'rspamd: normal process'")

    # It is stopped.
    target.run("systemctl stop rspamd")
    send(lab, "while it is stopped")
    said = logged(lab, identity(arrived(lab, "while it is stopped")))
    assert (said["spam"], float(said["spam_seconds"]) < DEADLINE) == ("unknown", True)
