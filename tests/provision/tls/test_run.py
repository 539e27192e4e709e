"""`rekey.py` on a real machine, under senders that come over STARTTLS all the time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provision.host import layout
from tests.deploys import deploy
from tests.provision.sending import sending, served_key, stored
from tests.waiting import wait_until

SPKI = "openssl pkey -in {}/key.pem -pubout -outform DER | sha256sum"


@pytest.fixture
def host(deployed) -> Iterator:
    """The lab. Afterwards it runs again what this checkout says."""
    yield deployed
    assert deploy(deployed, "-y").code == 0


def key(lab, link: str) -> str:
    return lab.target.run(SPKI.format(link)).stdout.split()[0]


def certificate(lab, link: str) -> str:
    shell = f"openssl x509 -in {link}/certificate.pem -outform DER | sha256sum"
    return lab.target.run(shell).stdout.split()[0]


def pid(lab) -> str:
    return lab.target.run("systemctl show -p MainPID --value letterbox.service").stdout


def keys(lab) -> list[str]:
    return sorted(lab.target.run(f"ls {layout.KEY_FOLDERS}").stdout.split())


def test_a_rekey_defers_no_mail_and_needs_no_restart(host) -> None:
    old, following = key(host, layout.KEY_IN_USE), key(host, layout.NEXT_KEY)
    was, before = certificate(host, layout.KEY_IN_USE), pid(host)
    assert served_key(host) == old

    foreseen = deploy(host, "--dry", "--json", script="rekey.py")
    assert (foreseen.code, foreseen.changed()) == (0, ["Next key"]), foreseen.stderr
    assert f"goes from key {old[:16]} to its next key {following[:16]}" in foreseen.stderr
    assert (key(host, layout.KEY_IN_USE), key(host, layout.NEXT_KEY)) == (old, following)

    with sending(host) as outcome:
        wait_until(lambda: len(stored(host)) > 10, "mail arrives by the old key")
        run = deploy(host, "-y", "--json", script="rekey.py")
        assert (run.code, run.changed()) == (0, ["Next key"]), run.stderr
        wait_until(lambda: served_key(host) == following, "the next key is served")
        arrived = len(stored(host))
        wait_until(lambda: len(stored(host)) > arrived + 10, "mail arrives by the next key")
    assert (outcome["refused"], outcome["later"]) == ([], [])
    assert set(outcome["shown"]) == {was, certificate(host, layout.KEY_IN_USE)}
    wait_until(lambda: stored(host).keys() >= set(outcome["acknowledged"]), "all of it is in the Maildir")
    print(f"{len(outcome['acknowledged'])} messages acknowledged over STARTTLS")

    another = key(host, layout.NEXT_KEY)
    assert key(host, layout.KEY_IN_USE) == following
    assert another not in (old, following)
    assert keys(host) == sorted([following[:16], another[:16]]), "the old key is gone"
    assert pid(host) == before
    again = deploy(host, "-y", "--json")
    assert (again.code, again.changed()) == (0, []), again.stderr


def test_a_rekey_that_was_cut_off_is_completed_by_a_deploy_and_by_a_rekey(host) -> None:
    for script in ("deploy.py", "rekey.py"):
        following = key(host, layout.NEXT_KEY)
        cut = f"cd {layout.TLS_FOLDER} && ln -sfnT $(readlink next) current.new && mv -fT current.new current"
        host.target.run(f"chgrp letterbox {layout.NEXT_KEY}/key.pem && {cut}")
        run = deploy(host, "-y", script=script)
        assert run.code == 0, run.stderr
        assert key(host, layout.KEY_IN_USE) == following
        assert key(host, layout.NEXT_KEY) != following
        assert deploy(host, "-y").code == 0
        assert deploy(host, "-y", "--json").changed() == []
        assert served_key(host) == following


def test_the_service_cannot_read_the_next_key(host) -> None:
    for link, code in ((layout.KEY_IN_USE, 0), (layout.NEXT_KEY, 1)):
        read = f"runuser -u letterbox -- cat {link}/key.pem >/dev/null"
        assert host.target.run(read, check=False).returncode == code


LOST = {
    "the key is no key": ("echo nonsense > {}/key.pem", "is no key that openssl can use", "next"),
    "no key can be used": ("echo x > {0}/key.pem; echo x > {0}/next/key.pem", "a NEW key is made", "new"),
}


@pytest.mark.parametrize("case", LOST)
def test_a_lost_key_is_said_and_replaced_by_one_deploy(host, case: str) -> None:
    command, said, by = LOST[case]
    old, following = key(host, layout.KEY_IN_USE), key(host, layout.NEXT_KEY)
    host.target.run(command.format(layout.TLS_FOLDER))
    run = deploy(host, "-y", "--json")
    assert (run.code, run.changed()) == (0, ["Certificate", "Service"]), run.stderr
    assert said in run.stderr
    now = key(host, layout.KEY_IN_USE)
    assert (now == following) == (by == "next")
    assert now != old
    assert served_key(host) == now
    host.target.run(f"rm {layout.TLS_FOLDER}/key.pem.unusable")
    again = deploy(host, "-y", "--json")
    assert (again.code, again.changed()) == (0, []), again.stderr


def test_a_host_that_was_never_deployed_is_refused(fresh_lab) -> None:
    run = deploy(fresh_lab, "-y", script="rekey.py")
    assert run.code == 1
    assert "deploy" in run.stderr and "Nothing was changed." in run.stderr
    assert "Traceback" not in run.stderr
