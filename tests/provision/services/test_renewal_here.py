"""Renewal by the machine that deploys: its own process with its own libraries, against a real authority."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyinfra.api.command import StringCommand

from provision.host import layout
from provision.renewal import here, program
from provision.renewal.program import DUE, GOOD, WRONG, Done
from tests.provision.hosts import DEPLOYED, KEY
from tests.services.renewal import keys
from tests.services.renewal.conftest import world
from tests.services.renewal.world import NAME, TOKEN, World

__all__ = ["world"]  # a fixture


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the host on this machine. The deploy's token is in the environment, as it is there."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
    return program.state_folder(NAME)


def run(world: World, folder: Path, *switches: str, given: str = "", **changed: str) -> Done:
    """A run as the deploy starts it, with the servers of the world in place of the real ones."""
    pairs = dict(zip(world.arguments()[::2], world.arguments()[1::2], strict=True))
    pairs |= {"--state": str(folder), "--smtp": "nobody", "--token": "/dev/stdin"}
    pairs |= {"--profile": "ordinary"}  # or Pebble chooses one at random, and one of them is short
    return program.call(
        folder, pairs | {f"--{name}": value for name, value in changed.items()}, *switches, given=given
    )


def orders(world: World) -> int:
    return world.pebble.log().count("/order-plz")


def test_a_certificate_is_got_kept_and_asked_for_only_once(world: World, folder: Path) -> None:
    assert run(world, folder, "--look") == Done(DUE, "there is no certificate yet")
    assert orders(world) == 0
    done = run(world, folder, given=TOKEN)
    assert (done.code, done.words[:20]) == (GOOD, "renewed: valid until")
    (path,) = folder.glob("*/certificate.pem")
    world.install(path.read_bytes())
    world.verify()
    assert world.challenges() == []
    before = (orders(world), len(world.cloudflare.requests))
    done = run(world, folder, "--look")
    assert (done.code, done.words[:12]) == (GOOD, "valid until ")
    world.pebble.stop()
    again = run(world, folder, "--look")
    assert again == done, "the authority is not asked again so soon"
    assert (orders(world), len(world.cloudflare.requests)) == before


def test_nobody_else_reads_the_folder_and_the_token_is_in_none_of_its_files(
    world: World, folder: Path
) -> None:
    assert run(world, folder, given=TOKEN).code == GOOD
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "account.pem").stat().st_mode) == 0o600
    assert all(TOKEN not in path.read_text() for path in folder.rglob("*") if path.is_file())


def test_another_machine_takes_over_what_the_host_has_and_orders_nothing(world: World, folder: Path) -> None:
    signer = keys.make_key()
    world.install(keys.certificate(world.key, signer=signer, left=timedelta(days=80)))
    done = run(world, folder, "--look", held=str(world.path))
    assert done.code == GOOD
    assert orders(world) == 0
    for _ in range(2):
        assert run(world, folder, "--look", profile="short").code == GOOD, "it is not known how it came"
    assert here.digest(world.path) == here.digest(next(folder.glob("*/certificate.pem"))) != ""
    world.install(keys.certificate(world.key, signer=signer, left=timedelta(days=20)))
    (folder / "state.json").unlink()
    next(folder.glob("*/certificate.pem")).unlink()
    assert run(world, folder, "--look", held=str(world.path)).code == DUE


def test_a_certificate_that_the_authority_wants_renewed_is_due(world: World, folder: Path) -> None:
    assert run(world, folder, given=TOKEN).code == GOOD
    (path,) = folder.glob("*/certificate.pem")
    now = datetime.now(UTC)
    world.pebble.suggest(path.read_bytes(), now - timedelta(days=2), now - timedelta(days=1))
    assert run(world, folder, "--look").code == DUE


def test_what_is_wrong_is_told_before_a_host_has_a_certificate_and_later_stops_nothing(
    world: World, folder: Path
) -> None:
    nothing = world.pebble.directory.replace("/dir", "/nothing")
    for changed, said in (
        ({"ca": nothing}, "is not the URL of an ACME directory (HTTP 404)"),
        ({"profile": "tlserver"}, "the CA does not know the profile tlserver (it offers: moment, ordinary"),
    ):
        done = run(world, folder, "--look", **changed)
        assert (done.code, said in done.words) == (WRONG, True), done
        bare = program.call(
            folder,
            {"--state": str(folder), "--ca": world.pebble.directory, "--trust": str(world.pebble.trust)}
            | {f"--{name}": value for name, value in changed.items()},
            "--look",
        )
        assert bare == done, "also on a host that has no key yet"
    assert orders(world) == 0
    (folder / world.path.parent.name).mkdir()
    near = folder / world.path.parent.name / "certificate.pem"
    near.write_bytes(keys.certificate(world.key, signer=keys.make_key(), left=timedelta(days=20)))
    issued = {"directory": world.pebble.directory, "digest": here.digest(near), "profile": "gone"}
    (folder / "state.json").write_text(json.dumps(issued))
    done = run(world, folder, "--look", profile="tlserver")
    assert done.code == WRONG, "another wish than the one that gave the certificate"
    assert run(world, folder, "--look", profile="gone").code == DUE
    done = run(world, folder, given=TOKEN, profile="gone")
    assert (done.code, "does not know the profile gone" in done.words) == (1, True), done


def test_an_authority_that_is_down_is_no_wrong_wish(world: World, folder: Path) -> None:
    world.pebble.stop()
    done = run(world, folder, "--look")
    assert (done.code, "cannot be reached" in done.words) == (1, True), done


def test_a_certificate_is_brought_over_the_standard_input_and_loaded() -> None:
    command = here.brought("mx1.example.com", KEY, "-----BEGIN CERTIFICATE-----\n")
    assert isinstance(command, StringCommand)
    assert command.connector_arguments["_stdin"] == "-----BEGIN CERTIFICATE-----\n"
    text = command.get_raw_value()
    assert "BEGIN CERTIFICATE" not in text
    assert text.rstrip("'").splitlines()[-2:] == [f"bring keys/{KEY.spki[:16]}", "load"]


def test_only_a_key_in_its_place_with_a_request_for_the_host_is_used() -> None:
    job = here.Job("mx1.example.com", None, None)  # type: ignore[arg-type]
    assert here.usable_key(job, DEPLOYED) == KEY
    assert here.usable_key(replace(job, hostname="mx2.example.com"), DEPLOYED) is None
    files = {path: file for path, file in DEPLOYED.files.items() if path != layout.KEY_IN_USE}
    assert here.usable_key(job, replace(DEPLOYED, files=files)) is None
