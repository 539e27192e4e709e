"""What all tests share: the lab, a host deployed in it, and `--inventory` for a real host instead."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from rich.console import Console

from tests.lab import lab as lab_module
from tests.lab import prerequisites
from tests.lab.__main__ import bring_up
from tests.lab.access import HOSTNAME
from tests.lab.display import Display
from tests.lab.errors import LabError
from tests.lab.lab import Lab

ROOT = Path(__file__).resolve().parents[1]
LAB_FIXTURES = {"lab", "deployed", "inventory_path", "spare_lab"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--inventory",
        type=Path,
        metavar="FILE",
        help="run tests/end_state and tests/smoke against the hosts of this inventory, not the lab",
    )
    parser.addoption(
        "--lab-folder",
        type=Path,
        default=lab_module.FOLDER,
        metavar="FOLDER",
        help="use the lab of this folder (.lab), as `python -m tests.lab --folder`",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--inventory") is None:
        for item in items:
            if LAB_FIXTURES & set(getattr(item, "fixturenames", ())):
                item.add_marker(pytest.mark.lab)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `mail_host_name` runs once for each host of the inventory."""
    if "mail_host_name" in metafunc.fixturenames:
        given = metafunc.config.getoption("--inventory")
        metafunc.parametrize("mail_host_name", _host_names(given) if given else [HOSTNAME], scope="session")


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The checkout's lab: left running if it ran before, else brought up and taken down."""
    if request.config.getoption("--inventory") is not None:
        pytest.skip("the lab is not used with --inventory")
    folder: Path = request.config.getoption("--lab-folder")
    ran = lab_module.status(lab_module.find(folder)).anything
    yield usable_lab(request.config, folder)
    if not ran:
        lab_module.take_down(folder)


def usable_lab(config: pytest.Config, folder: Path, *, quiet: bool = False) -> Lab:
    """A healthy lab in this folder; its coming up is shown. Skips (or fails) where there can be none."""
    reason = prerequisites.reason_not_to_run()
    if reason:
        _unavailable(reason)
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        try:
            return bring_up(Display(Console(quiet=quiet)), folder)[0]
        except LabError as error:
            failure = str(error)
    return _unavailable(failure)


@pytest.fixture(scope="session")
def deployed(request: pytest.FixtureRequest) -> Lab | None:
    """The lab after `deploy.py` ran in it; None with `--inventory`, whose hosts are taken as they are."""
    if request.config.getoption("--inventory") is not None:
        return None
    lab: Lab = request.getfixturevalue("lab")
    done = deploy(lab)
    assert done.returncode == 0, f"pyinfra ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return lab


def deploy(lab: Lab, *options: str, inventory: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run `pyinfra -y INVENTORY deploy.py` on the lab, as a user would."""
    return subprocess.run(
        [Path(sys.executable).with_name("pyinfra"), "-y", *options, inventory or lab.inventory, "deploy.py"],
        cwd=ROOT,
        env={**os.environ, **lab.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="session")
def inventory_path(request: pytest.FixtureRequest) -> Path:
    """The inventory that the tests are about: `--inventory`, else the lab's."""
    given: Path | None = request.config.getoption("--inventory")
    if given is not None:
        return given.resolve()
    lab: Lab = request.getfixturevalue("lab")
    return lab.inventory


def _host_names(inventory: Path) -> list[str]:
    from dns.inventory import InventoryError, load

    try:
        return [host.name for host in load(inventory).hosts]
    except InventoryError as error:
        raise pytest.UsageError(str(error)) from None


def _unavailable(reason: str) -> NoReturn:
    if os.environ.get("LETTERBOX_LAB") == "required":
        pytest.fail(f"LETTERBOX_LAB=required, but: {reason}", pytrace=False)
    pytest.skip(reason)
