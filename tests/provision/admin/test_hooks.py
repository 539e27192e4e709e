"""Hooks on a deployed host: mail comes to a real HTTP target and to a command, and each hook is shut in."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploys import Run, deploy
from tests.lab.lab import Lab
from tests.provision.admin.letters import doctor
from tests.waiting import wait_until

QUEUES = "/var/lib/letterbox/mail/.hooks"
UNITS = ("copies", "orders", "sort")
# It answers what the file /run/hooks/answer says, and keeps what it was sent.
TARGET = """\
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        with open("/run/hooks/answer") as file: code = json.load(file).get(self.path, 200)
        with open("/run/hooks/log", "a") as file:
            heads = {name.lower(): value for name, value in self.headers.items()}
            said = {"path": self.path, "code": code, "heads": heads, "body": body.decode()}
            print(json.dumps(said), file=file)
        self.send_response(code); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8099), Handler).serve_forever()
"""
SORT = """\
#!/usr/bin/python3
import json, os, socket, sys
def tried(what, *arguments):
    try: what(*arguments); return "done"
    except OSError as error: return type(error).__name__
seen = {
    "box": os.environ["MAIL_BOX"], "from": os.environ["MAIL_FROM"],
    "subject": "Subject: " in sys.stdin.read(),
    "network": tried(socket.create_connection, ("WORLD", 8099), 3),
    "configuration": tried(open, "/etc/letterbox/letterbox.toml"),
    "mail": tried(os.listdir, "/var/lib/letterbox/mail/example.test"),
    "system": tried(open, "/etc/sorted", "w"),
}
with open(f"/home/sorter/{os.environ['MAIL_ID']}", "w") as file: json.dump(seen, file)
"""


class Target:
    """The HTTP server on the world's machine."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.world = lab, lab.world
        self.world.write("/run/hooks/target.py", TARGET)
        self.answer({})
        self.start()

    def start(self) -> None:
        self.world.run("systemd-run -q --collect --unit=hook-target python3 /run/hooks/target.py")
        self.world.run("until ss -Hltn 'sport = :8099' | grep -q .; do sleep 0.1; done")

    def stop(self) -> None:
        self.world.run("systemctl stop hook-target")

    def answer(self, codes: dict[str, int]) -> None:
        self.world.write("/run/hooks/answer", json.dumps(codes))

    def requests(self, path: str, subject: str) -> list[dict[str, object]]:
        """What came to this path about the message with this subject."""
        said = self.world.run("cat /run/hooks/log", check=False).stdout.splitlines()
        found = [json.loads(line) for line in said]
        return [each for each in found if each["path"] == path and subject in each["body"]]

    def got(self, path: str, subject: str) -> dict[str, object]:
        """Wait until the target has taken the message."""
        taken = wait_until(
            lambda: [each for each in self.requests(path, subject) if each["code"] == 200],
            f"{path} takes {subject!r}",
        )
        return taken[0]


def with_hooks(lab: Lab, folder: Path, hooks: object) -> Path:
    """The lab's inventory, whose host has these hooks."""
    text, key = lab.inventory.read_text(), '"allow_private_address": True,'
    assert text.count(key) == 1
    path = folder / "inventory.py"
    path.write_text(text.replace(key, f'{key} "hooks": {hooks!r},'))
    return path


def wanted(lab: Lab) -> dict[str, dict[str, object]]:
    url = f"http://{lab.world.ipv4}:8099"
    return {
        "orders": {"mailbox": "alice@example.test", "url": f"{url}/orders", "allow_private": True},
        "copies": {
            "domain": "example.test", "url": f"{url}/copies", "form": "raw", "allow_private": True,
        },
        "sort": {"mailbox": "alice@example.test", "command": ["/usr/local/bin/sort-it"], "user": "sorter"},
    }  # fmt: skip


def send(lab: Lab, subject: str) -> None:
    message = f"From: <a@sender.test>\r\nTo: <alice@example.test>\r\nSubject: {subject}\r\n\r\nHello\r\n"
    lab.world.send(message.encode(), ["alice@example.test"])


def hooks(lab: Lab) -> dict[str, dict[str, object]]:
    """What `letterbox hooks --json` says, by hook."""
    said = lab.target.run("letterbox hooks --json").stdout
    return {each["hook"]: each for each in map(json.loads, said.splitlines())}


def inside(lab: Lab, name: str, command: str) -> str:
    """What root sees in the mounts and the network of a hook's unit."""
    pid = lab.target.run(f"systemctl show -p MainPID --value letterbox-hook-{name}").stdout.strip()
    return lab.target.run(f"nsenter --target {pid} --mount --net {command} 2>&1", check=False).stdout


def exposure(lab: Lab, name: str) -> float:
    said = lab.target.run(f"systemd-analyze security --no-pager letterbox-hook-{name}").stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found, said
    return float(found[1])


def changes(run: Run) -> list[str]:
    assert run.code == 0, run.stderr
    return run.changed_now()


@pytest.fixture
def target(deployed: Lab) -> Iterator[Target]:
    deployed.target.run(f"rm -rf {QUEUES}")  # of a run of this test that failed
    found = Target(deployed)
    deployed.target.write("/usr/local/bin/sort-it", SORT.replace("WORLD", deployed.world.ipv4))
    deployed.target.run("chmod 755 /usr/local/bin/sort-it; userdel -rf sorter", check=False)
    yield found
    found.stop()
    deployed.world.run("rm -r /run/hooks")
    deployed.target.run("userdel -r sorter; rm -f /usr/local/bin/sort-it", check=False)
    back = deploy(deployed, "-y")
    assert back.code == 0, back.stderr


def test_hooks_come_deliver_are_shut_in_and_go(deployed: Lab, target: Target, tmp_path: Path) -> None:
    lab, host = deployed, deployed.target
    inventory = with_hooks(lab, tmp_path, wanted(lab))

    # A command's user is missing: nothing is touched.
    run = deploy(lab, "-y", inventory=inventory)
    assert (run.code, "hook sort: the host has no user sorter" in run.stderr) == (1, True), run.stderr
    assert host.run("ls /etc/letterbox/hooks", check=False).stdout == ""
    host.run("useradd --system --create-home sorter")

    # A dry run says what comes. The secret that is made is shown once, and lies nowhere in clear text.
    dry = deploy(lab, "--dry", inventory=inventory, environment={"LETTERBOX_HOOK_BASIC_COPIES": "a:b c"})
    assert "hook orders comes: letterbox-hook-orders.service" in dry.stderr
    assert "a secret is made for it and shown once" in dry.stderr and "whsec_" not in dry.stderr
    given = {"LETTERBOX_HOOK_BASIC_COPIES": "a:b c"}
    run = deploy(lab, "-y", "--json", inventory=inventory, environment=given)
    assert changes(run) == ["Configuration", "Service", "Hooks, if wanted"]
    secrets = re.findall(r"whsec_[A-Za-z0-9+/=]+", run.stderr)
    assert len(secrets) == len(set(secrets)) == 2
    for secret in (*secrets, "a:b c"):
        assert host.run(f"grep -rlF -- '{secret}' /etc/letterbox {QUEUES}", check=False).stdout == ""
        assert host.run(f"journalctl -o cat | grep -cF -- '{secret}'", check=False).stdout.strip() == "0"
    again = deploy(lab, "-y", "--json", inventory=inventory)
    assert (changes(again), "whsec_" in again.stderr) == ([], False)

    # A message comes to all three within seconds.
    began = time.monotonic()
    send(lab, "the first")
    orders = target.got("/orders", "the first")
    copies = target.got("/copies", "the first")
    assert time.monotonic() - began < 30
    assert json.loads(str(orders["body"]))["data"]["envelope"]["mailbox"] == "alice@example.test"
    heads = copies["heads"]
    assert isinstance(heads, dict)
    assert heads["content-type"] == "message/rfc822"
    assert heads["authorization"] == "Basic YTpiIGM="
    sorted_ = wait_until(lambda: host.run("cat /home/sorter/*", check=False).stdout, "the command ran")
    assert json.loads(sorted_) == {
        "box": "alice@example.test", "from": "stranger@sender.test", "subject": True, "network": "OSError",
        "configuration": "FileNotFoundError", "mail": "FileNotFoundError", "system": "OSError",
    }  # fmt: skip
    wait_until(lambda: all(each["backlog"] == 0 for each in hooks(lab).values()), "nothing waits")
    assert doctor(lab)["hooks"]["holds"] is True

    # Each is shut in: not even root sees more there than its own queue and its own file.
    for name in UNITS:
        assert inside(lab, name, "find /etc/letterbox -type f").split() == [
            f"/etc/letterbox/hooks/{name}.toml"
        ]
        assert inside(lab, name, f"ls -A /var/lib/letterbox/mail {QUEUES}").split()[-1] == name
        assert inside(lab, name, "ls /var/lib/letterbox/mail/example.test").endswith(
            "No such file or directory\n"
        )
        assert exposure(lab, name) <= (0.6 if name == "sort" else 1.1)
    assert inside(lab, "sort", "ip -o link").count("\n") == 1
    denied = host.run("systemctl show -p IPAddressDeny --value letterbox-hook-orders").stdout
    assert "169.254.0.0/16" in denied and "fe80::/64" in denied

    # The target is down. The mail waits, and the id stays the same when it is up.
    target.stop()
    send(lab, "while it is down")
    wait_until(lambda: hooks(lab)["orders"]["last_error"], "the failure is known")
    assert hooks(lab)["orders"]["backlog"] == 1
    waiting = host.run(f"ls {QUEUES}/orders/pending").stdout.strip()
    host.run("systemctl kill -s KILL letterbox-hook-orders")
    target.start()
    host.run("letterbox hooks --retry orders")
    body = target.got("/orders", "while it is down")
    assert isinstance(body["heads"], dict) and body["heads"]["webhook-id"] == waiting
    wait_until(lambda: hooks(lab)["orders"]["backlog"] == 0, "nothing waits")

    # 410 stops a hook and no other. The doctor says so, until it is told to try again.
    target.answer({"/orders": 410})
    send(lab, "unwanted")
    target.got("/copies", "unwanted")
    wait_until(lambda: hooks(lab)["orders"]["stopped"], "it is stopped")
    said = doctor(lab)["hooks"]
    assert (said["holds"], "letterbox hooks --retry orders" in str(said["fix"])) == (False, True)

    # One hook goes, and what it has not delivered is said. What a cut-off run has left undone is done.
    host.run("rm /etc/letterbox/hooks/copies.toml; systemctl stop letterbox-hook-copies")
    rest = {name: value for name, value in wanted(lab).items() if name != "orders"}
    fewer = with_hooks(lab, tmp_path, rest)
    run = deploy(lab, "-y", "--json", inventory=fewer)
    assert changes(run) == ["Configuration", "Service", "Hooks, if wanted"]
    assert "hook orders is not in the inventory: 1 message stays undelivered" in run.stderr
    assert "orders" not in host.run("ls /etc/letterbox/hooks /etc/systemd/system").stdout
    assert changes(deploy(lab, "-y", "--json", inventory=fewer)) == []
    assert host.run("letterbox hooks --drop orders", check=False).returncode == 2
    assert "forgotten 1 message" in host.run("letterbox hooks --drop orders --yes").stdout
    assert "orders" not in hooks(lab)

    # The last hook takes all with it.
    assert changes(deploy(lab, "-y", "--json")) == ["Configuration", "Service", "Hooks, if wanted"]
    left = host.run(
        "ls -d /opt/letterbox/hooks /etc/letterbox/hooks /etc/systemd/system/letterbox-hook*; "
        f"getent group letterbox-hooks; ls {QUEUES}",
        check=False,
    )
    assert left.stdout == ""
