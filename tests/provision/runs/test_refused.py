"""A host on which a deploy would damage something or fail halfway is left as it is, on a real machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploys import deploy

BARE = "systemctl disable -q --now letterbox.socket letterbox.service"
OTHER_SERVER = (
    f"{BARE}; systemd-run -q --unit=postfix.service python3 -c "
    "'import socket, time; s = socket.create_server((\"127.0.0.1\", 25)); time.sleep(600)' && "
    "until ss -Hltn 'sport = :25' | grep -q .; do sleep 0.1; done"
)
LOOK = """
find /etc /opt /usr/local /var/lib/letterbox -xdev -type f -newer /etc/machine-id -printf '%p %T@\n' | sort
getent passwd; getent group; firewall-cmd --list-all-zones; systemctl list-unit-files 'letterbox*'
"""
CASES = {
    "another mail server": (
        OTHER_SERVER,
        "systemctl stop postfix",
        "port 25 is taken by python3 (postfix.service, on 127.0.0.1:25): if nothing on the host sends mail ",
    ),
    "a person's account": (
        f"{BARE}; usermod --uid 1234 --home /home/letterbox --shell /bin/bash letterbox",
        "usermod --uid 990 --home /var/lib/letterbox --shell /usr/sbin/nologin letterbox; "
        "chown -R letterbox:letterbox /var/lib/letterbox",
        "the account letterbox seems to be a person's (user ID 1234, home /home/letterbox, shell /bin/bash)",
    ),
    "a linked state folder": (
        f"{BARE}; mv /var/lib/letterbox /var/lib/elsewhere && ln -s elsewhere /var/lib/letterbox",
        "rm /var/lib/letterbox && mv /var/lib/elsewhere /var/lib/letterbox",
        "/var/lib/letterbox is a symbolic link (to elsewhere), and must be a folder",
    ),
    "an image": ("touch /run/ostree-booted", "rm /run/ostree-booted", "its system is an image (ostree)"),
}


@pytest.fixture
def host(deployed) -> Iterator:
    """The lab. Afterwards it runs again what this checkout says."""
    yield deployed
    assert deploy(deployed, "-y").code == 0


@pytest.mark.parametrize("case", CASES)
def test_it_is_said_in_one_line_before_the_first_change(host, case) -> None:
    come, go, said = CASES[case]
    host.target.run(come)
    try:
        before = host.target.run(LOOK).stdout
        for mode in ("--dry", "-y"):
            run = deploy(host, mode)
            assert (run.code, "Traceback" in run.stderr) == (1, False), run.stderr
            assert said in run.stderr
            assert "Nothing was changed." in run.stderr
        assert host.target.run(LOOK).stdout == before
    finally:
        host.target.run(go)
