"""Generations: which are kept, and which one is gone back to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provision import generation, service
from provision.host import layout
from provision.host.observed import Generation
from tests.provision.hosts import DEPLOYED, WANTED, with_file
from tests.provision.test_decisions import decided

SOCKET, SERVICE = layout.SOCKET_UNIT, layout.SERVICE_UNIT


def digest(name: str) -> str:
    return name * 16


def kept(*names: str) -> tuple[Generation, ...]:
    return tuple(Generation(name, digest(name)) for name in names)


def test_the_last_three_generations_are_kept_with_their_releases() -> None:
    older = kept("c", "b", "a", "0")
    releases = (WANTED.release, *(one.release for one in older), digest("9"))
    seen = replace(DEPLOYED, generations=(*DEPLOYED.generations, *older), releases=releases)
    (command,) = generation.superseded(seen, WANTED)
    removed = {
        f"/opt/letterbox/{folder}/.{name}.gone"
        for folder, names in (("generations", "a0"), ("releases", map(digest, "a09")))
        for name in names
    }
    parts = str(command).split(" && ")
    assert {part.removeprefix("rm -rf ") for part in parts if part.startswith("rm -rf ")} == removed


def test_what_dead_runs_left_is_removed() -> None:
    seen = replace(DEPLOYED, leftovers=("/opt/letterbox/generations/g1.new", "/etc/x y.new"))
    (command,) = generation.superseded(seen, WANTED)
    assert str(command) == "rm -rf /opt/letterbox/generations/g1.new '/etc/x y.new'"


def test_a_release_that_a_kept_generation_runs_is_kept() -> None:
    seen = replace(DEPLOYED, generations=(*DEPLOYED.generations, Generation("b", WANTED.release)))
    assert list(generation.superseded(seen, WANTED)) == []


@pytest.mark.parametrize(
    ("running", "named", "target"),
    [("c", None, "b"), ("b", None, "a"), ("unrecorded", None, "c"), ("c", "a", "a"), ("a", "c", "c")],
)
def test_going_back_goes_to_the_one_before_or_the_one_named(running, named, target) -> None:
    seen = replace(DEPLOYED, generations=kept("c", "b", "a"), running_generation=running)
    assert generation.before(seen, named).name == target


@pytest.mark.parametrize(("running", "named"), [("a", None), ("c", "x")])
def test_there_may_be_nothing_to_go_back_to(running, named) -> None:
    seen = replace(DEPLOYED, generations=kept("c", "b", "a"), running_generation=running)
    with pytest.raises(LookupError, match="no generation"):
        generation.before(seen, named)


def test_a_generation_that_does_not_greet_gives_way_to_the_last_that_did() -> None:
    seen = replace(DEPLOYED, running_generation="b", generations=kept("b"))
    start = str(list(service.service_commands(seen, WANTED))[-1])
    assert "cp -p /opt/letterbox/generations/b/letterbox.toml" in start
    assert f"ln -sfnT releases/{digest('b')}" in start


def test_a_socket_whose_unit_was_put_back_as_it_was_stays_open() -> None:
    """As a roll-back does it. To open it anew would refuse connections."""
    assert decided(with_file(f"{layout.UNIT_FOLDER}/{layout.SOCKET_UNIT}", changed=101.0)) == {}
