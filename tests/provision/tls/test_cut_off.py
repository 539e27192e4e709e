"""A run that is killed anywhere leaves a pair that the service can use, and the next run completes it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.tls.rekey import rekey_commands
from tests.provision.tls.place import HOSTNAME, CutOff, Place, old_layout

THOROUGH = os.environ.get("LETTERBOX_THOROUGH") == "1"
MOST = 400  # commands that a script has at most

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash kills itself where it is told")


def bare(place: Place) -> None:
    """Nothing but the folder that the step Folders makes."""
    (place.folder / "keys").mkdir(mode=0o750)


def upgraded(place: Place) -> None:
    bare(place)
    old_layout(place)


def whole(place: Place) -> None:
    bare(place)
    place.deploy()


def lost(place: Place) -> None:
    """A host whose key is nonsense. The next key can be used."""
    whole(place)
    (place.folder / "key.pem").write_text("nonsense")


def rekey(place: Place, cut: int | None) -> None:
    for command in rekey_commands(place.observe(), HOSTNAME):
        place.run(command, cut=cut)


def deploy(place: Place, cut: int | None) -> None:
    place.deploy(cut=cut)


RUNS: dict[str, tuple[Callable[[Place], None], Callable[[Place, int | None], None], bool]] = {
    "a first deploy": (bare, deploy, False),
    "an upgrade from 0.2": (upgraded, deploy, True),
    "a deploy that goes to the next key because the key is lost": (lost, deploy, False),
    "a rekey": (whole, rekey, True),
}


@pytest.mark.parametrize("case", RUNS)
def test_a_run_that_is_killed_anywhere_is_completed_by_the_next(case: str, tmp_path: Path) -> None:
    start, run, serves = RUNS[case]
    for cut in range(2, MOST, 1 if THOROUGH else 23):
        place = Place(tmp_path / f"cut-{cut}")
        place.folder.mkdir()
        start(place)
        before = place.keys()
        try:
            run(place, cut)
        except CutOff:
            pass
        else:
            assert cut > 40, "it was cut off in its midst, too"
            return
        if serves:
            place.serves()
        key = place.keys()[0]
        assert not before[0] or key in before, f"killed before command {cut}: a usable key was replaced"
        place.deploy()
        place.serves()
        assert place.deploy() == 0, f"killed before command {cut}: not completed"
        assert key in ("", place.keys()[0])
        assert all(place.keys())
        shutil.rmtree(place.folder)
    pytest.fail("the script never came to its end")


def test_a_rekey_goes_one_key_further_and_keeps_no_old_one(tmp_path: Path) -> None:
    place = Place(tmp_path)
    whole(place)
    old, following = place.keys()
    rekey(place, None)
    key, another = place.keys()
    assert (key, another not in (old, following)) == (following, True)
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == sorted([key[:16], another[:16]])
    place.serves()
    assert place.deploy() == 0


def test_a_rekey_that_was_cut_off_after_its_rename_is_completed_and_goes_no_further(tmp_path: Path) -> None:
    place = Place(tmp_path)
    whole(place)
    following = place.keys()[1]
    place.make('ln -sfnT "$(readlink next)" current.new; mv -fT current.new current')
    rekey(place, None)
    key, another = place.keys()
    assert (key, another != following) == (following, True)
    assert place.deploy() == 0
