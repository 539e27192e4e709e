"""Several hosts in one inventory, each an MX. If one is down, it fails alone."""

from __future__ import annotations

import pytest

from tests.conftest import usable_lab
from tests.deploys import deploy
from tests.lab import lifecycle
from tests.lab.machines import container


@pytest.fixture(scope="module")
def three(request, tmp_path_factory):
    """A lab of its own with three targets."""
    folder = tmp_path_factory.mktemp("three") / ".lab"
    yield usable_lab(request.config, folder, quiet=True, hosts=3)
    lifecycle.take_down(folder)


@pytest.mark.lab
def test_one_host_that_is_down_fails_alone_and_never_gets_a_record(three) -> None:
    """First the third is down, then it is up, then the second goes down and loses no record."""
    container.stop(three.targets[2])
    run = deploy(three, "-y", "--json")
    assert run.code == 1, "a host that failed is never silent"
    assert "[mx3.example.test] Could not connect" in run.stderr
    assert three.world.lookup("example.test", "MX") == ["10 mx1.example.test.", "20 mx2.example.test."]
    assert three.world.lookup("mx3.example.test", "A") == []

    lab, _ = lifecycle.bring_up(three.folder, hosts=3)
    run = deploy(lab, "-y", "--json")
    assert run.code == 0, run.stderr
    everybody = [f"{10 * n} mx{n}.example.test." for n in (1, 2, 3)]
    assert lab.world.lookup("example.test", "MX") == everybody
    again = deploy(lab, "-y", "--json")
    assert (again.code, again.changed()) == (0, [])

    container.stop(lab.targets[1])
    assert deploy(lab, "-y", "--json").code == 1
    assert lab.world.lookup("example.test", "MX") == everybody


@pytest.mark.lab
def test_every_host_greets_by_its_own_name(three) -> None:
    lab, _ = lifecycle.bring_up(three.folder, hosts=3)
    assert deploy(lab, "-y").code == 0
    for target in lab.targets:
        ask = "exec 3<>/dev/tcp/127.0.0.1/25 && head -1 <&3"
        assert target.run(f"bash -c '{ask}'").stdout.startswith(f"220 {target.hostname} ")
