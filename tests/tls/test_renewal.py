"""The unit that renews a certificate, on a real host: what it gets, what it cannot reach, and how it goes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dns.inventory import host_keys
from dns.inventory.host_keys import parse_keys
from dns.mta_sts.certificates import problem_with
from tests.deploys import Run, deploy
from tests.lab.lab import HOSTNAME, Lab
from tests.lab.tls import pebble
from tests.lab.tls.pebble import Pebble
from tests.lab.world import CERTIFICATE_TOKEN, TOKEN
from tests.tls import host
from tests.tls.certified import STATE, TRUSTED, USER, remains, verified, wants
from tests.waiting import wait_until

UNIT = "letterbox-certificate.service"
STEP = "Certificate: renewed, if wanted"


@pytest.fixture(scope="module")
def authority(tls_lab: Lab) -> Iterator[Pebble]:
    """A CA of one's own, whose HTTPS the host trusts because its administrator said so."""
    with pebble.running(tls_lab.world, bad_nonces=10) as running:
        tls_lab.target.write(TRUSTED, running.authority)
        yield running


@pytest.fixture(scope="module")
def wanting(tls_lab: Lab, authority: Pebble, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inventory of a host that wants a certificate."""
    return wants(tls_lab, tmp_path_factory.mktemp("wanting"), authority.directory, "classic")


@pytest.fixture(scope="module")
def renewing(tls_lab: Lab, wanting: Path) -> Iterator[Run]:
    """The deploy after which the host renews its certificate. It is taken back at the end."""
    yield with_token(tls_lab, wanting)
    assert deploy(tls_lab, "-y").code == 0


def with_token(lab: Lab, inventory: Path, *options: str, token: str = CERTIFICATE_TOKEN) -> Run:
    run = deploy(
        lab,
        "-y",
        *(options or ("--json",)),
        inventory=inventory,
        environment={"LETTERBOX_CERTIFICATE_TOKEN": token},
    )
    assert CERTIFICATE_TOKEN not in run.stdout + run.stderr
    return run


@pytest.mark.parametrize("token", [TOKEN, "short"], ids=["the deploy's own", "no token at all"])
def test_a_wrong_token_is_refused_before_anything_is_touched(tls_lab: Lab, wanting: Path, token: str) -> None:
    before = tls_lab.target.run("find /etc/letterbox /opt/letterbox /etc/systemd/system | sort").stdout
    run = with_token(tls_lab, wanting, token=token)
    assert run.code == 1
    assert ("deploy's own" if token == TOKEN else "does not have the form of a token") in run.stderr
    assert "Nothing was changed" in run.stderr
    assert (
        tls_lab.target.run("find /etc/letterbox /opt/letterbox /etc/systemd/system | sort").stdout == before
    )


def test_a_deploy_gets_a_certificate_of_the_key_in_use(
    tls_lab: Lab, authority: Pebble, renewing: Run, wanting: Path
) -> None:
    assert (renewing.code, renewing.changed()) == (0, [STEP]), renewing.stderr
    assert "was not renewed" not in renewing.stderr
    verified(tls_lab, authority.root())
    assert host.served_digest(tls_lab.target.ipv4) == host.key_digest(tls_lab.target, "current")
    again = deploy(tls_lab, "-y", "--json", inventory=wanting)
    assert (again.code, again.changed()) == (0, []), "and the host keeps its token"


def test_the_control_machine_reads_what_is_served_and_which_account_renews_it(
    tls_lab: Lab, authority: Pebble, renewing: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = parse_keys(
        tls_lab.target.run(host_keys.script()).stdout.splitlines(), '{"account": "https://x/1"}'
    )
    kept = json.loads(tls_lab.target.run(f"cat {STATE}/state.json").stdout)
    assert (keys.unread, keys.served) == ("", frozenset({keys.current}))
    assert (keys.account, kept["account_of"]) == (kept["account"], authority.directory)
    assert "/my-account/" in keys.account
    file = tmp_path / "root.pem"
    file.write_text(authority.root())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert problem_with(HOSTNAME, keys.chain, datetime.now(UTC)) == ""
    assert "without that of its issuer" in problem_with(HOSTNAME, keys.chain[:1], datetime.now(UTC))


def test_the_unit_has_neither_the_key_nor_the_mail_nor_a_token_that_others_can_read(
    tls_lab: Lab, renewing: Run
) -> None:
    target = tls_lab.target
    for path in ("/etc/letterbox/tls/key.pem", "/var/lib/letterbox/mail", "/etc/letterbox/certificate-token"):
        reading = ["runuser", "-u", USER, "--", "sh", "-c", f"cat {path} || ls {path}"]
        assert target.run(reading, check=False).returncode != 0, path
    assert (
        target.run(["runuser", "-u", "letterbox", "--", "cat", f"{STATE}/account.pem"], check=False).stdout
        == ""
    )
    everywhere = (
        f"grep -rlF {CERTIFICATE_TOKEN} /etc /opt /var/lib /run /var/log 2>/dev/null; "
        f"{{ journalctl -o cat; systemctl show {UNIT}; }} | grep -cF {CERTIFICATE_TOKEN}"
    )
    assert target.run(everywhere, check=False).stdout.split() == ["0"]


def test_the_exposure_of_both_units_is_small(tls_lab: Lab, renewing: Run) -> None:
    for unit, most in ((UNIT, 1.2), ("letterbox.service", 0.4)):
        said = tls_lab.target.run(f"systemd-analyze security --no-pager {unit}").stdout
        exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
        assert exposure and float(exposure[1]) <= most, said.splitlines()[-1]


def test_the_timer_starts_it_and_a_run_with_nothing_to_do_succeeds(tls_lab: Lab, renewing: Run) -> None:
    target = tls_lab.target
    assert target.run("systemctl is-enabled letterbox-certificate.timer").stdout.strip() == "enabled"
    assert "letterbox-certificate.timer" in target.run("systemctl list-timers").stdout
    before = host.served(target.ipv4)
    target.run(f"systemctl start {UNIT}")
    assert json.loads(target.read(f"{STATE}/state.json"))["outcome"].startswith("valid until ")
    assert host.served(target.ipv4) == before


def test_the_doctor_finds_all_links_whole(tls_lab: Lab, renewing: Run) -> None:
    said = tls_lab.target.run("letterbox doctor --json", check=False).stdout.splitlines()
    found = {link["link"]: link for link in map(json.loads, said)}
    assert [link for link in found.values() if link["holds"] is not True] == []
    assert found["certificate"]["evidence"].startswith("from Pebble Intermediate CA")
    assert "valid until " in found["renewal"]["evidence"]


def test_a_new_certificate_is_served_without_a_restart(
    tls_lab: Lab, authority: Pebble, renewing: Run, wanting: Path, tmp_path: Path
) -> None:
    target = tls_lab.target
    process = target.run("systemctl show -p MainPID --value letterbox.service").stdout
    before = host.served(target.ipv4)
    run = with_token(tls_lab, wants(tls_lab, tmp_path, authority.directory, "tlsserver"))
    assert (run.code, run.changed()) == (0, [STEP]), run.stderr
    wait_until(lambda: host.served(target.ipv4) != before, "the new certificate is served")
    assert target.run("systemctl show -p MainPID --value letterbox.service").stdout == process
    assert with_token(tls_lab, wanting).code == 0


def test_an_authority_that_refuses_fails_no_deploy_and_takes_nothing_away(
    tls_lab: Lab, authority: Pebble, renewing: Run, wanting: Path, tmp_path: Path
) -> None:
    before = host.served(tls_lab.target.ipv4)
    run = with_token(tls_lab, wants(tls_lab, tmp_path, authority.directory, "tlserver"))
    assert run.code == 0
    assert "the certificate was not renewed, and the one in use stays: the CA does not know" in run.stderr
    assert host.served(tls_lab.target.ipv4) == before
    assert with_token(tls_lab, wanting).code == 0


def test_what_is_taken_out_of_the_inventory_goes_and_the_certificate_stays(
    tls_lab: Lab, renewing: Run, wanting: Path
) -> None:
    before = host.served(tls_lab.target.ipv4)
    run = deploy(tls_lab, "-y", "--json")
    assert (run.code, run.changed()) == (0, [STEP]), run.stderr
    assert remains(tls_lab) == ""
    assert host.served(tls_lab.target.ipv4) == before
    again = deploy(tls_lab, "-y", "--json")
    assert (again.code, again.changed()) == (0, [])
    assert with_token(tls_lab, wanting).code == 0


def test_destroy_takes_it_away_too(tls_lab: Lab, renewing: Run, wanting: Path) -> None:
    run = deploy(tls_lab, "-y", script="destroy.py", inventory=wanting)
    assert run.code == 0, run.stderr
    assert remains(tls_lab) == ""
    assert with_token(tls_lab, wanting).code == 0, "and a deploy brings all of it back"
