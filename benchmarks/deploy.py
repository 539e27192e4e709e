"""How long a deploy takes, compared with an Ansible playbook that does the same: `make bench-deploy`.

It measures in the lab, over ssh: the first deploy; a deploy with nothing to do, in turn with Ansible (with
pipelining and ControlPersist, without fact gathering); the same with a round trip of 50 ms; and ten hosts at
the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from benchmarks import environments
from benchmarks.delay import distant
from benchmarks.environments import ROOT
from benchmarks.timing import Measured, in_turn, run
from dns.inventory import load
from provision.desired import archive
from provision.desired.files import FOLDERS
from provision.desired.state import for_host
from tests.lab import lifecycle
from tests.lab.display import Display
from tests.lab.lab import Lab
from tests.lab.up import bring_up

ROUND_TRIP = 0.05  # seconds


def playbook(lab: Lab, folder: Path) -> list[object]:
    """The command that runs the playbook. It brings about the same as the deploy of this checkout."""
    inventory = load(lab.inventory)
    packed = folder / "release.tar.gz"
    packed.write_bytes(archive.archive(archive.Platform("3.14", os.uname().machine)))
    told = {
        "folders": [
            {"path": each.path, "user": each.user, "group": each.group, "mode": f"0{each.mode}"}
            for each in FOLDERS
        ],
        "archive": str(packed),
        "configuration": for_host(inventory, inventory.hosts[0].name, release="").configuration,
        "units": str(ROOT / "files"),
    }
    (folder / "told.json").write_text(json.dumps(told))
    (folder / "hosts").write_text("target ansible_python_interpreter=/usr/bin/python3\n")
    (folder / "ansible.cfg").write_text(
        "[defaults]\nhost_key_checking = True\n[connection]\npipelining = True\n"
        f"[ssh_connection]\nssh_args = -F {lab.ssh_config} -o ControlMaster=auto -o ControlPersist=120\n"
    )
    ansible = environments.peer("ansible") / "ansible-playbook"
    return [ansible, "-i", folder / "hosts", "-e", f"@{folder}/told.json", ROOT / "benchmarks/playbook.yml"]


def far_inventory(lab: Lab, folder: Path, port: int) -> Path:
    """The lab's inventory, with the target behind the relay."""
    text = lab.inventory.read_text()
    text = text.replace(
        f'"ssh_hostname": "{lab.target.ipv4}"', f'"ssh_hostname": "127.0.0.1", "ssh_port": {port}'
    )
    # Without these options ssh would not know the key of the port, and ssh_config would bypass the relay.
    text = text.replace('"ssh_strict_host_key_checking": "yes"', '"ssh_strict_host_key_checking": "no"')
    text = text.replace(str(lab.ssh_config), "/dev/null").replace(
        str(lab.folder / "ssh/known_hosts"), "/dev/null"
    )
    path = folder / "far.py"
    path.write_text(text)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deploy", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each (5)")
    parser.add_argument("--hosts", type=int, default=10, choices=range(2, 11), help="hosts at once (10)")
    given = parser.parse_args()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory(prefix="lbx-bench-") as name:
        folder = Path(name)
        try:
            one_host(folder, given.runs)
            many_hosts(folder, given.runs, given.hosts)
        finally:
            lifecycle.take_down(folder / ".lab")


def environment(lab: Lab) -> dict[str, str]:
    return environments.environ(**lab.environment, PYINFRA_PROGRESS="off")


def one_host(folder: Path, runs: int) -> None:
    lab, _ = bring_up(Display(), folder / ".lab", fresh=True)
    variables = environment(lab)
    deploy = [environments.control() / "pyinfra", "-y", lab.inventory, ROOT / "deploy.py"]
    show("first deploy", Measured((run(deploy, variables),)))
    peer, peer_variables = playbook(lab, folder), {**variables, "ANSIBLE_CONFIG": str(folder / "ansible.cfg")}
    run(peer, peer_variables)
    taken = in_turn(runs, ours=lambda: run(deploy, variables), ansible=lambda: run(peer, peer_variables))
    show("nothing to do", taken["ours"])
    show("nothing to do, Ansible", taken["ansible"])
    print(f"  {'ratio':<28} {taken['ansible'].median / taken['ours'].median:6.1f}")
    with distant(lab.target.ipv4, 22, ROUND_TRIP) as port:
        far = [environments.control() / "pyinfra", "-y", far_inventory(lab, folder, port), ROOT / "deploy.py"]
        run(
            far, variables
        )  # The name of the inventory may change the release, so the first deploy is not measured.
        show("nothing to do, 50 ms away", in_turn(runs, far=lambda: run(far, variables))["far"])


def many_hosts(folder: Path, runs: int, hosts: int) -> None:
    lab, _ = bring_up(Display(), folder / ".lab", fresh=True, hosts=hosts)
    variables = environment(lab)
    everybody = [environments.control() / "pyinfra", "-y", lab.inventory, ROOT / "deploy.py"]
    show(f"first deploy, {hosts} hosts", Measured((run(everybody, variables),)))
    alone = [*everybody[:2], "--limit", lab.target.hostname, *everybody[2:]]
    taken = in_turn(runs, alone=lambda: run(alone, variables), everybody=lambda: run(everybody, variables))
    show("nothing to do, one of them", taken["alone"])
    show(f"nothing to do, {hosts} hosts", taken["everybody"])
    print(f"  {'ratio':<28} {taken['everybody'].median / taken['alone'].median:6.1f}")


def show(what: str, measured: Measured) -> None:
    print(f"  {what:<28} {measured}", flush=True)


if __name__ == "__main__":
    main()
