"""What a deployed host must be. The same checks run against the lab and, with `--inventory`, a real host."""

import pytest
from testinfra.host import Host

from dns.inventory import Inventory, MailHost, load
from tests.targets import over_ssh


@pytest.fixture(scope="session")
def inventory(inventory_path, deployed) -> Inventory:
    return load(inventory_path)


@pytest.fixture(scope="session")
def mail_host(inventory, mail_host_name) -> MailHost:
    """The inventory's word on a host; every test runs once for each."""
    return next(host for host in inventory.hosts if host.name == mail_host_name)


@pytest.fixture(scope="session")
def host(mail_host) -> Host:
    """The host itself, over ssh."""
    return over_ssh(mail_host)
