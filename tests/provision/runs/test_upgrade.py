"""A host deployed by an earlier release is upgraded by one deploy: no mail is lost, no connection refused.

The earlier release comes from git and is deployed by its own deploy.py, with the Python environment of this
checkout. While this checkout's deploy.py upgrades the host, another machine sends to it over STARTTLS all the
time. The key stays, also when the host goes back to the earlier release and forward again.

`make test` upgrades from the first release and from the last, `make thorough` from all.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from provision.desired import archive
from provision.desired.archive import Platform
from provision.host import layout
from tests.conftest import unavailable
from tests.deploys import deploy
from tests.lab.lab import Lab
from tests.provision.releases import RELEASES, NotInHistory, Release, checkout
from tests.provision.runs.test_destroy import LOOK
from tests.provision.sending import sending, served_key, stored
from tests.waiting import wait_until

THOROUGH = os.environ.get("LETTERBOX_THOROUGH") == "1"
FROM = RELEASES if THOROUGH else (RELEASES[0], RELEASES[-1])


def generation(lab: Lab) -> str:
    """The name of what the running service was started with."""
    pid = lab.target.run(f"systemctl show -p MainPID --value {layout.SERVICE_UNIT}").stdout.strip()
    return lab.target.run(f"tr '\\0' '\\n' < /proc/{pid}/environ | grep ^LETTERBOX_GENERATION=").stdout


@pytest.fixture(params=FROM, ids=[release.version for release in FROM])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The files of an earlier release."""
    release: Release = request.param
    try:
        return checkout(release, tmp_path / release.version)
    except NotInHistory as error:
        unavailable(str(error))


def test_a_host_of_an_earlier_release_is_upgraded_by_one_deploy(before: Path, fresh_lab: Lab) -> None:
    lab, target = fresh_lab, fresh_lab.target
    untouched = target.run(LOOK).stdout
    old = deploy(lab, "-y", checkout=before)
    assert old.code == 0, old.stdout + old.stderr
    was, key = generation(lab), served_key(lab)

    with sending(lab) as outcome:
        wait_until(lambda: len(stored(lab)) > 10, "mail arrives at the old release")
        new = deploy(lab, "-y", "--json")
        assert new.code == 0, new.stderr
        assert "Service" in new.changed()
        arrived = len(stored(lab))
        wait_until(lambda: len(stored(lab)) > arrived + 10, "mail arrives at the new release")

    assert outcome["refused"] == []
    assert served_key(lab) == key, "the key stays"
    acknowledged = outcome["acknowledged"]
    wait_until(lambda: stored(lab).keys() >= set(acknowledged), "all that was acknowledged is in the Maildir")
    assert {mark for mark, copies in stored(lab).items() if copies > 1} == set()
    print(f"{len(acknowledged)} messages acknowledged, {len(outcome['later'])} senders got 421")

    python = target.run("python3 -c 'import sys; print(*sys.version_info[:2], sep=\".\")'").stdout.strip()
    release = archive.digest(Platform(python, target.run("uname -m").stdout.strip()))
    assert target.run(f"readlink {layout.CURRENT}").stdout.strip() == f"releases/{release}"
    assert generation(lab) == target.run(f"cat {layout.GENERATION}").stdout != was
    again = deploy(lab, "-y", "--json")
    assert (again.code, again.changed()) == (0, []), again.stderr

    back = deploy(lab, "-y", script="rollback.py")
    assert back.code == 0, back.stderr
    assert (generation(lab), served_key(lab)) == (was, key)
    doctor = target.run(f"{layout.COMMAND} doctor --json", check=False).stdout
    broken = [link for link in map(json.loads, doctor.splitlines()) if link["holds"] is False]
    assert doctor and not broken, broken
    forward = deploy(lab, "-y", "--json")
    assert (forward.code, served_key(lab)) == (0, key), forward.stderr
    assert deploy(lab, "-y", "--json").changed() == []

    gone = deploy(lab, "-y", "--data", "remove_mail=mx1.example.test", script="destroy.py")
    assert gone.code == 0, gone.stderr
    assert target.run(LOOK).stdout == untouched
    assert target.run(f"ls -d {layout.STATE_FOLDER}", check=False).stdout == ""


def test_a_release_that_git_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotInHistory, match=r"^release 0\.0\.0 cannot be had from git: .+$"):
        checkout(Release("0.0.0", "0123456789abcdef0123456789abcdef01234567"), tmp_path)
