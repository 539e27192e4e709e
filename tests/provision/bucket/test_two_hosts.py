"""Two hosts and a bucket, from the first deploy to the last: what is tried, what a 250 means, what goes."""

from __future__ import annotations

import json
import time

from provision.host import layout
from receiver.storage.bucket.puts import DEADLINE
from tests.bucket.gateway import Fault, gateway
from tests.lab.machines.machine import Machine
from tests.provision.bucket.place import ALICE, Place, arrives, copies, exposure, said, send
from tests.waiting import wait_until

UNITS = (layout.BUCKET_SERVICE, layout.PUSH_SERVICE, layout.PULL_SERVICE)
STOP = f"systemctl stop {layout.BUCKET_SOCKET_UNIT} {layout.BUCKET_SERVICE}"
START = f"systemctl start {layout.BUCKET_SOCKET_UNIT}"
OURS = (
    "ls -d /opt/*letterbox* /opt/.letterbox* /etc/letterbox /run/letterbox /run/letterbox-bucket "
    "/etc/systemd/system/letterbox*"
)


def test_a_bucket_that_cannot_keep_the_promise_is_refused_and_nothing_changes(bucket_lab: Place) -> None:
    """From here, where the store knows no conditions; and from one host alone, which does not reach it."""
    place, (mx1, mx2) = bucket_lab, bucket_lab.lab.targets
    with gateway(place.engine.endpoint) as gate:
        gate.every(Fault.NO_CONDITIONS)
        run = place.deploy(place.store(bucket=gate.url("mail")))
    assert run.code == 1
    assert "the bucket mail, tried from here: conditional write: " in said(run)
    assert "Nothing was changed." in said(run)

    port = place.engine.endpoint.rpartition(":")[2]
    mx2.run(f"ip rule add priority 1 ipproto tcp dport {port} prohibit")
    try:
        run = place.deploy(place.store())
    finally:
        mx2.run("ip rule del priority 1")
    assert run.code == 1
    assert f"{mx2.hostname}: the bucket mail, tried from this host: TLS: " in said(run)
    assert "Permission denied" in said(run)

    assert "it has no key" not in said(run)
    # A trial that another host's answer has made needless still ends on its host, and cleans up.
    wait_until(
        lambda: not any(host.run(OURS, check=False).stdout for host in (mx1, mx2)),
        "nothing was changed, and nothing was left",
    )


def test_mail_to_one_host_is_read_at_the_other_and_a_250_is_the_buckets(bucket_lab: Place) -> None:
    place, (mx1, mx2) = bucket_lab, bucket_lab.lab.targets
    run = place.deploy(place.store())
    assert run.code == 0, run.stderr
    assert {"Bucket, if wanted", "Bucket: sent and fetched"} <= {*run.changed()}
    assert "promise bucket: a 250 means that the bucket mail has the message" in said(run)
    assert f"[{mx2.hostname}] the bucket mail, tried from this host: name, TLS, clock, key and" in said(run)

    assert send(mx1, "to-one") == 250
    arrives(mx2, "to-one")
    arrives(mx1, "to-one")
    assert "to-one" in mx2.run(f"letterbox list --mailbox {ALICE}").stdout

    mx1.run(STOP)
    began = time.monotonic()
    assert send(mx1, "while-away") == 451
    assert time.monotonic() - began < 2 * DEADLINE, "the bucket is waited for once"
    assert send(mx2, "by-the-other") == 250
    mx1.run(START)
    assert send(mx1, "back-again") == 250
    arrives(mx1, "by-the-other")
    arrives(mx2, "back-again")
    assert copies(mx1, "while-away") == copies(mx2, "while-away") == 0

    assert place.changes(place.store()) == []
    _is_shut_in(place, mx1)


def _is_shut_in(place: Place, host: Machine) -> None:
    """Who has the network and the key, and where else they are not."""
    assert exposure(host, layout.BUCKET_SERVICE) <= 1.1
    assert exposure(host, layout.PUSH_SERVICE) <= 0.6
    assert exposure(host, layout.PULL_SERVICE) <= 0.6
    assert exposure(host, layout.SERVICE_UNIT) <= 0.4
    paths = " ".join(f"{layout.UNIT_FOLDER}/{name}" for name in (*UNITS, layout.BUCKET_SOCKET_UNIT))
    assert host.run(f"systemd-analyze verify --man=no {paths}").stderr == ""
    assert host.run(f"stat -c %U:%a {layout.BUCKET_SOCKET}").stdout == "letterbox:600\n"
    pid = host.run(f"systemctl show -p MainPID --value {layout.BUCKET_SERVICE}").stdout.strip()
    inside = f"nsenter --target {pid} --mount"
    seen = host.run(f"{inside} ls /etc/letterbox; {inside} ls {layout.MAIL}", check=False)
    assert seen.stdout == "bucket.toml\n" and "cannot" in seen.stderr.replace("Permission denied", "cannot")
    everywhere = (
        "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; journalctl -q; "
        "find /etc /opt/letterbox /var/lib/letterbox* /run/letterbox* -type f -exec cat {} +"
    )
    # From a file, because the arguments of grep are among what is looked through.
    look = f"cat > /root/needles; ({everywhere}) </dev/null | grep -a -F -f /root/needles | cut -c1-200"
    found = host.run(look, input=f"{place.engine.key}\n{place.engine.secret}\n", check=False)
    assert found.stdout == ""


def test_the_doctor_sees_each_unit_of_the_bucket_that_does_not_run(bucket_lab: Place) -> None:
    mx1, _ = bucket_lab.lab.targets

    def links() -> list[tuple[str, object]]:
        lines = mx1.run(f"{layout.COMMAND} doctor --json", check=False).stdout.splitlines()
        found = [(each["link"], each["holds"]) for each in map(json.loads, lines)]
        return [each for each in found if str(each[0]).startswith("bucket")]

    trial = ("name", "TLS", "clock", "key", "writes", "backlog", "pull")
    assert links() == [(name, True) for name in ("bucket", *(f"bucket {each}" for each in trial))]
    for stop, start, name in (
        (f"systemctl stop {layout.PULL_SERVICE}", f"systemctl start {layout.PULL_SERVICE}", "bucket pull"),
        (f"systemctl stop {layout.PUSH_SERVICE}", f"systemctl start {layout.PUSH_SERVICE}", "bucket backlog"),
        (STOP, START, "bucket"),
    ):
        mx1.run(stop)
        assert links()[-1] == (name, False)
        mx1.run(start)


def test_the_promise_goes_to_the_disk_and_back_and_all_of_it_goes(bucket_lab: Place) -> None:
    place, (mx1, mx2) = bucket_lab, bucket_lab.lab.targets
    run = place.deploy(place.store(promise="disk", pull=[mx2.hostname]))
    assert run.code == 0, run.stderr
    assert "promise: disk in place of bucket: a 250 then means that this disk has a message" in said(run)
    mx1.run(STOP)
    assert send(mx1, "on-the-disk") == 250, "mail goes on while the bucket is away"
    assert copies(mx1, "on-the-disk") == 1

    only = ("--limit", mx1.hostname)
    run = place.deploy(place.store(), "--dry", *only)
    assert run.code == 1
    assert f"{mx1.hostname}: its promise is to change from disk to bucket, and 1 message waits" in said(run)

    mx1.run(START)
    arrives(mx2, "on-the-disk")
    pending = f"ls -A {layout.BUCKET_STATE}/pending"
    wait_until(lambda: not mx1.run(pending).stdout, "nothing waits for the bucket")
    mx1.run(f"rm {layout.BUCKET_STATE}/pushed", check=False)  # as on a host that had mail before
    run = place.deploy(place.store(), "--dry", *only)
    assert "`letterbox push` has never sent all of it to the bucket" in said(run)
    mx1.run("letterbox push")
    run = place.deploy(place.store(), "--dry", *only)
    assert run.code == 0, run.stderr
    assert copies(mx1, "on-the-disk") == copies(mx2, "on-the-disk") == 1

    run = place.deploy(None, "-y", *only)
    assert run.code == 0, run.stderr
    assert "the inventory has no store: the bucket's units and its key go" in said(run)
    ours = "ls /etc/systemd/system | grep -c 'bucket\\|push\\|pull'"
    assert mx1.run(ours, check=False).stdout == "0\n"
    assert send(mx1, "after-it") == 250 and copies(mx1, "after-it") == 1

    gone = place.deploy(place.store(promise="disk"), "-y", script="destroy.py")
    assert gone.code == 0, gone.stderr
    for host in (mx1, mx2):
        assert host.run(OURS, check=False).stdout == ""
        assert "letterbox" not in host.run("systemctl list-units --all --plain --no-legend").stdout
