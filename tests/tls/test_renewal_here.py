"""A certificate of an authority without a token on the host: the machine that deploys brings and renews it.

The tests of this module follow each other: each is a day in the life of one host.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploys import Run, deploy
from tests.lab.lab import Lab
from tests.lab.tls import pebble
from tests.lab.tls.pebble import Pebble
from tests.lab.world import CERTIFICATE_TOKEN
from tests.tls import host
from tests.tls.certified import TRUSTED, remains, verified, wants
from tests.waiting import wait_until

STEP = "Certificate: renewed, if wanted"


class Control:
    """The machine that deploys, with a folder for its state that is its own."""

    def __init__(self, lab: Lab, authority: Pebble, folder: Path) -> None:
        self.lab, self.authority, self.folder = lab, authority, folder
        (folder / "trusted.pem").write_text(authority.authority)
        self.wanting = self.wants("classic")

    def wants(self, profile: str, directory: str = "") -> Path:
        """An inventory with the host, its certificate and this profile."""
        folder = self.folder / f"{profile}{abs(hash(directory))}"
        folder.mkdir(exist_ok=True)
        return wants(self.lab, folder, directory or self.authority.directory_by_address, profile)

    def run(self, inventory: Path | None = None, *, script: str = "deploy.py", **more: str | None) -> Run:
        """A run of the deploy, or of another script."""
        return deploy(
            self.lab,
            "-y",
            "--json",
            script=script,
            inventory=inventory or self.wanting,
            environment={
                "SSL_CERT_FILE": str(self.folder / "trusted.pem"),
                "XDG_STATE_HOME": str(self.folder / "state"),
                **more,
            },
        )


@pytest.fixture(scope="module")
def control(tls_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    tls_lab.target.run("rm -f /etc/letterbox/tls/current/certificate.pem")
    assert deploy(tls_lab, "-y").code == 0, "it makes a self-signed one"
    with pebble.running(tls_lab.world, bad_nonces=10) as running:
        yield Control(tls_lab, running, tmp_path_factory.mktemp("control"))
    assert deploy(tls_lab, "-y").code == 0


@pytest.fixture(scope="module")
def first(control: Control) -> Run:
    """The first deploy with a certificate wanted, and no token for the host."""
    return control.run()


@pytest.mark.parametrize(
    ("profile", "directory", "said"),
    [
        ("tlserver", "/dir", "the CA does not know the profile tlserver"),
        ("classic", "/nothing", "is not the URL of an ACME directory (HTTP 404)"),
    ],
    ids=["profile", "directory"],
)
def test_a_wrong_wish_is_refused_before_anything_is_touched(
    control: Control, profile: str, directory: str, said: str
) -> None:
    before = host.served(control.lab.target.ipv4)
    url = control.authority.directory_by_address.replace("/dir", directory)
    run = control.run(control.wants(profile, url))
    assert (run.code, said in run.stderr, "Nothing was changed" in run.stderr) == (1, True, True), run.stderr
    assert host.served(control.lab.target.ipv4) == before


def test_a_proof_without_a_zone_is_refused(control: Control) -> None:
    folder = control.folder / "proof"
    folder.mkdir()
    text = control.wanting.read_text().replace(
        '"certificate":', '"certificate_proof": "nowhere.test", "certificate":'
    )
    (folder / "inventory.py").write_text(text)
    run = control.run(folder / "inventory.py")
    assert run.code == 1
    assert "the zone for certificate_proof: nowhere.test: the token sees no zone of this name" in run.stderr


def test_a_deploy_without_a_token_for_the_host_brings_a_certificate_and_no_unit(
    control: Control, first: Run
) -> None:
    target = control.lab.target
    assert (first.code, first.changed()) == (0, [STEP]), first.stderr
    assert "was not renewed" not in first.stderr
    verified(control.lab, control.authority.root())
    assert host.served_digest(target.ipv4) == host.key_digest(target, "current")
    assert remains(control.lab) == ""
    state = target.run("stat -L -c '%U:%G %a' /etc/letterbox/tls/certificate.pem").stdout
    assert state.strip() == "root:root 644"


def test_what_is_not_due_is_left_alone(control: Control, first: Run) -> None:
    before = host.served(control.lab.target.ipv4)
    for script in ("deploy.py", "renew.py", "renew.py"):
        run = control.run(script=script)
        assert (run.code, run.changed()) == (0, []), (script, run.stderr)
    assert host.served(control.lab.target.ipv4) == before


def test_the_scheduled_job_is_refused_without_the_token_of_deploys(control: Control, first: Run) -> None:
    run = control.run(script="renew.py", CLOUDFLARE_API_TOKEN=None)
    assert run.code == 1
    assert "the zone for the certificate: CLOUDFLARE_API_TOKEN is not set" in run.stderr


def test_another_machine_that_deploys_takes_the_certificate_over(control: Control, first: Run) -> None:
    before = host.served(control.lab.target.ipv4)
    other = str(control.folder / "another-state")
    run = control.run(XDG_STATE_HOME=other)
    assert (run.code, run.changed()) == (0, []), run.stderr
    assert list(Path(other).rglob("certificate.pem"))
    assert host.served(control.lab.target.ipv4) == before


def test_the_scheduled_job_renews_without_a_restart(control: Control, first: Run) -> None:
    target = control.lab.target
    before = host.served(target.ipv4)
    process = target.run("systemctl show -p MainPID --value letterbox.service").stdout
    wanted = control.wants("tlsserver")
    run = control.run(wanted, script="renew.py")
    assert (run.code, run.changed()) == (0, [STEP]), run.stderr
    wait_until(lambda: host.served(target.ipv4) != before, "the new certificate is served")
    verified(control.lab, control.authority.root())
    assert target.run("systemctl show -p MainPID --value letterbox.service").stdout == process
    again = control.run(wanted)
    assert (again.code, again.changed()) == (0, []), again.stderr


def test_an_authority_that_is_down_fails_the_scheduled_job_and_no_deploy(
    control: Control, first: Run
) -> None:
    before = host.served(control.lab.target.ipv4)
    control.lab.world.run("systemctl stop pebble.service")
    try:
        for script, code in (("deploy.py", 0), ("renew.py", 1)):
            run = control.run(control.wants("shortlived"), script=script)
            assert run.code == code, run.stderr
            assert "the certificate was not renewed, and the one in use stays: the CA (" in run.stderr
    finally:
        control.lab.world.run("systemctl start pebble.service")
    assert host.served(control.lab.target.ipv4) == before


def test_the_doctor_knows_of_no_renewal_and_finds_all_links_whole(control: Control, first: Run) -> None:
    said = control.lab.target.run("letterbox doctor --json", check=False).stdout.splitlines()
    found = {link["link"]: link for link in map(json.loads, said)}
    assert [link for link in found.values() if link["holds"] is not True] == []
    assert found["certificate"]["evidence"].startswith("from Pebble Intermediate CA")
    assert "renewal" not in found


def test_a_token_that_is_handed_over_later_and_taken_away_again(control: Control, first: Run) -> None:
    target = control.lab.target
    target.write(TRUSTED, control.authority.authority)
    on_host = control.wants("tlsserver", control.authority.directory)
    before = host.served(target.ipv4)
    run = control.run(on_host, LETTERBOX_CERTIFICATE_TOKEN=CERTIFICATE_TOKEN)
    assert (run.code, run.changed()) == (0, [STEP]), run.stderr
    assert remains(control.lab) != ""
    assert host.served(target.ipv4) == before, "the certificate stays"
    run = control.run(on_host, script="renew.py")
    assert (run.code, run.changed()) == (0, []), "the host renews it itself"
    target.run("rm /etc/letterbox/certificate-token")
    run = control.run(control.wants("tlsserver"))
    assert (run.code, run.changed()) == (0, [STEP]), run.stderr
    assert remains(control.lab) == ""
    assert host.served(target.ipv4) == before


def test_the_first_deploy_of_a_host_brings_it_too(control: Control) -> None:
    assert control.run(script="destroy.py").code == 0
    run = control.run(XDG_STATE_HOME=str(control.folder / "first-state"))
    assert run.code == 0, run.stderr
    assert STEP in run.changed()
    verified(control.lab, control.authority.root())
    again = control.run(XDG_STATE_HOME=str(control.folder / "first-state"))
    assert (again.code, again.changed()) == (0, []), again.stderr
