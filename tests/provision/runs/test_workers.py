"""Several workers on a real machine, inside the unit's sandbox, with the Python of that machine."""

from __future__ import annotations

import pytest

from tests.deploys import deploy
from tests.waiting import wait_until


@pytest.fixture
def with_two(deployed, tmp_path):
    """The lab with two workers. Afterwards it is as it was."""
    inventory = tmp_path / "inventory.py"
    inventory.write_text(deployed.inventory.read_text().replace('"ssh_user"', '"workers": 2, "ssh_user"'))
    run = deploy(deployed, "-y", "--json", inventory=inventory)
    assert (run.code, run.changed()) == (0, ["Configuration", "Units", "Service"]), run.stderr
    again = deploy(deployed, "-y", "--json", inventory=inventory)
    assert (again.code, again.changed()) == (0, []), again.stderr
    yield deployed
    back = deploy(deployed, "-y", "--json")
    assert (back.code, back.changed()) == (0, ["Configuration", "Units", "Service"]), back.stderr


def test_two_workers_serve_reload_and_are_replaced_under_systemd(with_two) -> None:
    target = with_two.target
    first, second = workers(target)
    assert show(target, "TasksMax") == "256"
    target.run("systemctl reload letterbox.service")  # waits until the last of them is ready
    assert workers(target) == [first, second]
    wait_until(
        lambda: (
            target.run(f"journalctl -b -o cat _PID={first} _PID={second}").stdout.count(
                "event=certificate reloaded"
            )
            == 2
        ),
        "both have read the certificate again",
    )
    target.run(f"kill -KILL {first}")
    wait_until(
        lambda: first not in workers(target) and len(workers(target)) == 2, "another one takes its place"
    )
    assert second in workers(target)
    assert show(target, "NRestarts") == "0"
    assert show(target, "ActiveState") == "active"
    pid = show(target, "MainPID")
    assert target.run(f"ls /proc/{pid}/task").stdout.split() == [pid], "a fork with threads alive may hang"
    started = show(target, "InvocationID")  # what other tests broke on purpose is in the journal, too
    journal = target.run(f"journalctl -b -o cat _SYSTEMD_INVOCATION_ID={started}").stdout
    assert "event=listening" in journal and "Traceback" not in journal, journal


def show(target, name: str) -> str:
    return target.run(f"systemctl show -p {name} --value letterbox.service").stdout.strip()


def workers(target) -> list[str]:
    """The process ids of the main process's children, but for the first, which stores small messages."""
    pid = show(target, "MainPID")
    return target.run(f"cat /proc/{pid}/task/{pid}/children").stdout.split()[1:]
