"""Of each break, the doctor names exactly the link, with a fix that helps, or one more deploy mends it.

`make test` tries one break for each link, by the doctor alone. `make thorough` tries all of them, also with
the deploy, end_state and smoke, and keeps what was measured for `python -m tests.first_mail.breaks_table`.
"""

from __future__ import annotations

import os

import pytest

from tests.first_mail.breaking import Break
from tests.first_mail.breaks import BREAKS
from tests.first_mail.breaks_table import RESULTS
from tests.first_mail.measuring import examine, measure, write
from tests.lab.lab import Lab

THOROUGH = os.environ.get("LETTERBOX_THOROUGH") == "1"
QUICK = [one for one in BREAKS if one.quick]


@pytest.fixture
def lab_to_break(
    deployed: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Lab:
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    return deployed


@pytest.mark.parametrize("one", QUICK, ids=lambda one: one.id)
def test_the_doctor_names_exactly_what_is_broken(lab_to_break: Lab, one: Break) -> None:
    with one.make(lab_to_break):
        links = examine(lab_to_break)
    assert [(link["link"], link["holds"]) for link in links] == [(one.link, False)], links
    assert links[-1]["fix"]
    assert one.says in f"{links[-1]['evidence']} -> {links[-1]['fix']}"


@pytest.mark.skipif(not THOROUGH, reason="make thorough")
@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.id)
def test_it_is_mended_by_the_doctors_fix_or_by_a_deploy(lab_to_break: Lab, one: Break) -> None:
    measured = measure(lab_to_break, one)
    write(RESULTS, measured)
    assert measured.named == ([one.link] if one.link else []), measured
    assert measured.fix_helps is not False, measured
    assert measured.fix or measured.deploy_mends, measured
    assert measured.fix_helps or measured.deploy_mends is not False, measured
    assert measured.end_state or measured.smoke, measured
    assert examine(lab_to_break) == []


def test_each_link_of_a_deployed_host_is_broken_by_one_of_them() -> None:
    quick = {one.link for one in QUICK}
    assert {one.link for one in BREAKS} - {""} == quick


def test_no_two_breaks_have_the_same_name() -> None:
    assert len({one.id for one in BREAKS}) == len(BREAKS) >= 40
