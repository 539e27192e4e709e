"""What lies on the host is whole after a deploy, whatever was damaged before, on a real machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provision.host import layout
from tests.deploys import deploy

MODULE = f"{layout.CURRENT}/lib/receiver/one_time.py"
COMPILED = f"$(ls {layout.CURRENT}/lib/receiver/__pycache__/one_time.*.pyc)"
BOX = f"{layout.MAIL}/example.test/alice"
OTHER_PAIR = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 "
    "-subj /CN=mx1.example.test -addext subjectAltName=DNS:mx1.example.test "
    "-keyout /root/k.pem -out /root/c.pem 2>/dev/null"
)
BROKEN = {
    "a module of the release is damaged": (f"echo nonsense >> {MODULE}", ["Release, unpacked", "Service"]),
    "a compiled module is damaged": (f"echo nonsense >> {COMPILED}", ["Release, unpacked", "Service"]),
    "a module of the release is missing": (f"rm {MODULE}", ["Release, unpacked", "Service"]),
    "a module of others is in the release": (
        f"echo x > {layout.CURRENT}/lib/sitecustomize.py",
        ["Release, unpacked", "Service"],
    ),
    "the release cannot be read": (f"chmod -R go-rwx {layout.RELEASES}/*/lib", ["Folders"]),
    "the release can be written to": (f"chmod o+w {MODULE}", ["Folders"]),
    "the certificate is not the key's": (
        f"{OTHER_PAIR} && cp /root/c.pem {layout.CERTIFICATE}",
        ["Certificate", "Service"],
    ),
    "mailboxes were restored with other numbers": (
        f"install -d -o 4711 -g 4711 -m 700 {BOX} {BOX}/new && chown -R 4711:4711 {BOX}",
        ["Folders"],
    ),
    "a mailbox cannot be entered": (f"install -d -m 500 -o letterbox -g letterbox {BOX}/cur", ["Folders"]),
    "dead runs left their parts": (
        f"mkdir {layout.RELEASES}/.0123456789abcdef {layout.GENERATIONS}/g1.new && "
        f"touch {layout.TLS_FOLDER}/key.pem.new && touch -d '1 hour ago' {layout.RELEASES}/.0123456789abcdef "
        f"{layout.GENERATIONS}/g1.new {layout.TLS_FOLDER}/key.pem.new",
        ["Superseded generations"],
    ),
}


@pytest.fixture
def host(deployed) -> Iterator:
    """The lab. Afterwards it runs again what this checkout says."""
    yield deployed
    assert deploy(deployed, "-y").code == 0


@pytest.mark.parametrize("case", BROKEN)
def test_it_is_seen_and_put_right_by_one_deploy(deployed, case) -> None:
    command, changed = BROKEN[case]
    deployed.target.run(command)
    run = deploy(deployed, "-y", "--json")
    assert (run.code, run.changed()) == (0, changed), run.stderr


def test_all_of_it_at_once_is_foreseen_put_right_and_takes_mail_again(host) -> None:
    for command, _ in BROKEN.values():
        host.target.run(command, check=False)
    foreseen = deploy(host, "--dry", "--json")
    run = deploy(host, "-y", "--json")
    assert (run.code, run.changed()) == (0, foreseen.changed()), run.stderr
    again = deploy(host, "-y", "--json")
    assert (again.code, again.changed()) == (0, []), again.stderr
    host.world.send(b"Subject: whole\r\n\r\nx\r\n", ["alice@example.test"])
    host.target.run(f"until ls {BOX}/new/* >/dev/null 2>&1; do sleep 0.1; done")
    assert host.target.run(f"find {layout.MAIL} ! -user letterbox").stdout == ""


def test_what_is_not_ours_is_passed_over_and_stays(host) -> None:
    strange = [
        *(f"{layout.RELEASES}/{name}" for name in ("notes", "0123")),
        *(f"{layout.GENERATIONS}/{name}" for name in ("lost+found", "by hand x y", "$(reboot)")),
        f"{layout.CONFIGURATION_FOLDER}/README",
        f"{layout.STATE_FOLDER}/backup.tar",
        f"{layout.PROGRAM_FOLDER}/mine",
    ]
    quoted = " ".join(f"'{path}'" for path in strange)
    host.target.run(f"mkdir {quoted}")
    try:
        run = deploy(host, "-y", "--json")
        assert (run.code, run.changed()) == (0, []), run.stderr
        gone = deploy(host, "-y", "--data", "remove_mail=mx1.example.test", script="destroy.py")
        assert gone.code == 0, gone.stderr
        assert "Traceback" not in gone.stderr
        assert host.target.run(f"ls -d {quoted} | wc -l").stdout.strip() == str(len(strange))
        for said in (run.stderr, gone.stderr):
            assert f"{layout.CONFIGURATION_FOLDER}/README, " in said
            assert f" and {len(strange) - 3} more: not the deploy's, and left alone" in said
        again = deploy(host, "-y", "--json", "--data", "remove_mail=mx1.example.test", script="destroy.py")
        assert (again.code, again.changed()) == (0, []), again.stderr
        assert deploy(host, "-y").code == 0
    finally:
        host.target.run(f"rm -rf {quoted}")
