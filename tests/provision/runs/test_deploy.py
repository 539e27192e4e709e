"""The deploy on a real machine: what it says, what it does, and that it does nothing twice."""

from __future__ import annotations

import os
import re
import subprocess

from tests.deploys import PYINFRA, ROOT, copy_of_checkout, deploy

EVERYTHING = [
    "Packages",
    "Firewall: 25/tcp",
    "User letterbox",
    "Folders",
    "Release, unpacked",
    "Certificate",
    "Configuration",
    "Release, current",
    "Units",
    "Service",
    "DNS",
]


def test_a_dry_run_lists_exactly_what_the_real_run_then_changes_and_touches_nothing(fresh_lab) -> None:
    before = _state(fresh_lab)
    foreseen = deploy(fresh_lab, "--dry", "--json")
    assert (foreseen.code, foreseen.changed()) == (0, EVERYTHING), foreseen.stderr
    assert _state(fresh_lab) == before
    done = deploy(fresh_lab, "-y", "--json")
    assert (done.code, done.changed()) == (0, foreseen.changed()), done.stderr
    again = deploy(fresh_lab, "-y", "--json")
    assert (again.code, again.changed()) == (0, [])


def _state(lab) -> str:
    return lab.target.run(
        "find /etc /opt /usr/local /var/lib -newer /etc/machine-id -type f ! -path '/var/lib/systemd/*' "
        "! -path '/var/lib/rpm/*' ! -path '/var/lib/dnf/*' | sort; "
        "rpm -qa | sort; getent passwd; firewall-cmd --list-all-zones"
    ).stdout


def test_a_second_run_changes_nothing(deployed) -> None:
    run = deploy(deployed, "-y", "--json")
    assert (run.code, run.changed()) == (0, []), run.stderr


def test_a_second_run_says_so_when_it_is_dry(deployed) -> None:
    run = deploy(deployed, "--dry", "--json")
    assert (run.code, run.changed()) == (0, []), run.stderr


def test_what_is_known_of_a_host_can_be_printed_as_the_docs_say(deployed) -> None:
    done = subprocess.run(
        [PYINFRA, deployed.inventory, "fact", "provision.host.fact.HostObservation"],
        cwd=ROOT,
        env={**os.environ, **deployed.environment, "PYINFRA_PROGRESS": "off"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"served"' in done.stdout + done.stderr
    assert '"example.test"' in done.stdout + done.stderr


def test_a_second_run_looks_at_the_host_once(deployed) -> None:
    run = deploy(deployed, "-y", "--debug")
    executions = re.findall(r"Running command on ", run.stderr + run.stdout)
    assert 1 <= len(executions) <= 2, executions


def test_a_configuration_that_was_changed_and_not_loaded_is_put_back_without_a_restart(deployed) -> None:
    before = _pid(deployed)
    deployed.target.run("echo '# by hand' >> /etc/letterbox/letterbox.toml")
    run = deploy(deployed, "-y", "--json")
    assert (run.code, run.changed()) == (0, ["Configuration"]), run.stderr
    assert "# by hand" not in deployed.target.run("cat /etc/letterbox/letterbox.toml").stdout
    assert _pid(deployed) == before, "the service already ran what is wanted: no need to restart"


def _pid(lab) -> str:
    return lab.target.run("systemctl show -p MainPID --value letterbox.service").stdout


def test_a_configuration_that_the_program_refuses_never_takes_its_place(deployed, tmp_path) -> None:
    """An older or newer release may refuse what this checkout writes. The old file then stays, and works."""
    text = deployed.inventory.read_text().replace('"mailboxes": ["alice", "bob"]', '"mailboxes": ["alice"]')
    other = tmp_path / "inventory.py"
    other.write_text(text)
    checkout = copy_of_checkout(tmp_path / "checkout")
    check = checkout / "receiver" / "serving" / "check.py"
    check.write_text(check.read_text() + "\n\ndef problems(config):\n    return ['refused on purpose']\n")
    before = deployed.target.run("cat /etc/letterbox/letterbox.toml").stdout
    run = deploy(deployed, "-y", inventory=other, checkout=checkout)
    assert run.code == 1
    assert "refused on purpose" in run.stderr
    assert deployed.target.run("cat /etc/letterbox/letterbox.toml").stdout == before
    assert deployed.target.run("ls /etc/letterbox").stdout.split() == ["generation", "letterbox.toml", "tls"]
    assert deploy(deployed, "-y").code == 0, "the release that was refused goes with the next deploy"


def test_a_service_that_was_killed_off_is_brought_back(deployed) -> None:
    deployed.target.run("systemctl disable -q --now letterbox.socket letterbox.service")
    run = deploy(deployed, "-y", "--json")
    assert (run.code, run.changed()) == (0, ["Service"]), run.stderr


def test_a_rule_that_vanished_at_run_time_is_put_back(deployed) -> None:
    deployed.target.run("firewall-cmd -q --zone=FedoraServer --remove-service=smtp")
    run = deploy(deployed, "-y", "--json")
    assert (run.code, run.changed()) == (0, ["Firewall: 25/tcp"]), run.stderr
    services = deployed.target.run("firewall-cmd --zone=FedoraServer --list-services").stdout.split()
    assert services == ["cockpit", "dhcpv6-client", "smtp", "ssh"]


def test_an_ordinary_user_with_sudo_can_deploy(deployed, tmp_path) -> None:
    fedora = tmp_path / "inventory.py"
    fedora.write_text(deployed.inventory.read_text().replace('"ssh_user": "root"', '"ssh_user": "fedora"'))
    deployed.target.run(
        "systemctl stop letterbox.socket letterbox.service && userdel letterbox && "
        "rm -r /opt/letterbox/releases /etc/letterbox/letterbox.toml"
    )
    run = deploy(deployed, "-y", "--json", inventory=fedora)
    assert run.code == 0, run.stderr
    assert {"User letterbox", "Release, unpacked", "Configuration"} <= set(run.changed())
    assert deploy(deployed, "-y", "--json", inventory=fedora).changed() == []
    left = deployed.target.run("find /tmp /var/tmp -newer /etc/machine-id -type f").stdout
    assert left == "", "a copy lies in a temporary folder"


def test_the_mails_file_system_is_remounted_read_only_only_when_the_units_are_stopped(
    deployed,
) -> None:
    """As docs/host.md says, the log is open for writing while the service runs."""
    target, mail = deployed.target, "/var/lib/letterbox/mail"
    stop, start = (f"systemctl {verb} letterbox.socket letterbox.service" for verb in ("stop", "start"))
    remount = f"mount -o remount,ro {mail}"
    target.run(f"{stop} && mount -t tmpfs -o size=200m none {mail} && chown letterbox: {mail} && {start}")
    try:
        target.run(f"until ls {mail}/.wal/0; do sleep 0.1; done")
        assert "busy" in target.run(remount, check=False).stderr
        target.run(stop)
        target.run(remount)
    finally:
        target.run(f"{stop}; umount {mail}; {start}")
