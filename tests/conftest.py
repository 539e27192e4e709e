"""What all tests share: the lab, a host deployed in it, and `--inventory` for a real host instead."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings
from rich.console import Console
from testinfra.host import Host

from dns.inventory import Inventory, InventoryError, MailHost, load
from tests import bytecode
from tests.deploys import deploy
from tests.lab import lifecycle, prerequisites
from tests.lab.display import Display
from tests.lab.errors import LabError
from tests.lab.lab import DOMAIN, FOLDER, HOSTNAME, Lab
from tests.lab.up import bring_up
from tests.ports import free_port as find_free_port
from tests.streams import NO_LAB, NO_SHARED_LAB
from tests.targets import over_ssh

bytecode.keep()

# No deadline, because a busy machine is slow. Derandomized, so that a commit always passes or always fails.
settings.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")

SHARED_LAB_FIXTURES = {"lab", "lab_alone", "deployed", "inventory_path"}
"""They stand for the checkout's lab, where a room has none of its own under the same name."""
LAB_FIXTURES = SHARED_LAB_FIXTURES | {
    "fresh_lab",
    "spare_lab",
    "tls_lab",
    "mta_sts_lab",
    "imap_lab",
    "bucket_lab",
}


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    return find_free_port()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--inventory",
        type=Path,
        metavar="FILE",
        help="run tests/end_state and tests/smoke against the hosts of this inventory, not the lab",
    )
    parser.addoption(
        "--from",
        action="append",
        default=[],
        metavar="HOST",
        help="let tests/smoke look from this machine, through ssh: a host of the inventory, any other, "
        "or the word inventory for all of its hosts",
    )
    parser.addoption(
        "--lab-folder",
        type=Path,
        default=FOLDER,
        metavar="FOLDER",
        help="use the lab of this folder (.lab), as `python -m tests.lab --folder`",
    )


def pytest_configure() -> None:
    # A shell's background jobs ignore Ctrl-C, and so would the programs that tests start and end with it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--inventory") is None:
        for item in items:
            asked = _asks_for(item)
            if asked:
                item.add_marker(pytest.mark.lab)
            if item.get_closest_marker("lab") and not asked & SHARED_LAB_FIXTURES:
                item.add_marker(pytest.mark.own_lab)
            item.add_marker(pytest.mark.room(name=item.nodeid.split("/")[1]))


def _asks_for(item: pytest.Item) -> set[str]:
    """The fixtures of labs that a test takes. A room may have others under names of the shared lab's."""
    known = item._fixtureinfo.name2fixturedefs if hasattr(item, "_fixtureinfo") else {}
    return {name for name in LAB_FIXTURES & known.keys() if len(known[name]) == 1}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `mail_host_name` or `domain_name` runs once for each of the inventory's."""
    if "mail_host_name" in metafunc.fixturenames:
        given = metafunc.config.getoption("--inventory")
        metafunc.parametrize("mail_host_name", _host_names(given) if given else [HOSTNAME], scope="session")
    if "domain_name" in metafunc.fixturenames:
        given = metafunc.config.getoption("--inventory")
        metafunc.parametrize("domain_name", _domain_names(given) if given else [DOMAIN], scope="session")


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The checkout's lab. If it ran before, it is left running. If not, it is brought up and taken down."""
    if request.config.getoption("--inventory") is not None:
        pytest.skip("the lab is not used with --inventory")
    folder: Path = request.config.getoption("--lab-folder")
    ran = lifecycle.status(lifecycle.find(folder)).anything
    yield usable_lab(request.config, folder)
    if not ran:
        lifecycle.take_down(folder)


def usable_lab(
    config: pytest.Config, folder: Path, *, quiet: bool = False, hosts: int = 1, system: str = "target"
) -> Lab:
    """A healthy lab in this folder. Shows how it comes up. Skips (or fails) if there can be none."""
    if os.environ.get(NO_LAB):
        pytest.fail("this test asks for a lab, and has no mark `lab`", pytrace=False)
    if os.environ.get(NO_SHARED_LAB) and folder == config.getoption("--lab-folder"):
        pytest.fail("this test asks for the shared lab, and has the mark `own_lab`", pytrace=False)
    reason = prerequisites.reason_not_to_run()
    if reason:
        unavailable(reason)
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        try:
            return bring_up(Display(Console(quiet=quiet)), folder, hosts=hosts, system=system)[0]
        except LabError as error:
            failure = str(error)
    return unavailable(failure)


@pytest.fixture(scope="session")
def deployed(request: pytest.FixtureRequest) -> Lab | None:
    """The lab after `deploy.py` ran in it. None with `--inventory`, whose hosts are taken as they are."""
    if request.config.getoption("--inventory") is not None:
        return None
    lab: Lab = request.getfixturevalue("lab")
    run = deploy(lab, "-y")
    assert run.code == 0, f"pyinfra ended with {run.code}:\n{run.stdout}{run.stderr}"
    return lab


@pytest.fixture
def fresh_lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of the test's own, beside the shared one, whose target nobody has touched."""
    folder = tmp_path_factory.mktemp("fresh lab") / ".lab"
    yield usable_lab(request.config, folder, quiet=True)
    lifecycle.take_down(folder)


@pytest.fixture(scope="session")
def inventory_path(request: pytest.FixtureRequest) -> Path:
    """The inventory that the tests are about: that of `--inventory`, or without it the lab's."""
    given: Path | None = request.config.getoption("--inventory")
    if given is not None:
        return given.resolve()
    lab: Lab = request.getfixturevalue("lab")
    return lab.inventory


@pytest.fixture(scope="session")
def inventory(inventory_path: Path, deployed: Lab | None) -> Inventory:
    """The inventory as checked values. Its hosts are deployed."""
    return load(inventory_path)


@pytest.fixture(scope="session")
def mail_host(inventory: Inventory, mail_host_name: str) -> MailHost:
    """A host as the inventory describes it. A test that asks for it runs once for each host."""
    return next(host for host in inventory.hosts if host.name == mail_host_name)


@pytest.fixture(scope="session")
def host(mail_host: MailHost) -> Host:
    """The host itself, over ssh, as testinfra sees it."""
    return over_ssh(mail_host)


def _host_names(inventory: Path) -> list[str]:
    return [host.name for host in _loaded(inventory).hosts]


def _domain_names(inventory: Path) -> list[str]:
    return [domain.name for domain in _loaded(inventory).domains]


def _loaded(inventory: Path) -> Inventory:
    try:
        return load(inventory)
    except InventoryError as error:
        raise pytest.UsageError(str(error)) from None


def unavailable(reason: str) -> NoReturn:
    if os.environ.get("LETTERBOX_LAB") == "required":
        pytest.fail(f"LETTERBOX_LAB=required, but: {reason}", pytrace=False)
    pytest.skip(reason)
