"""Mail clients of other people on another machine, which reach the host by ssh alone."""

from __future__ import annotations

import shlex
import threading

from tests.provision.imap.place import MAIL, Place, digests
from tests.waiting import wait_until

MBSYNC = """
IMAPStore host
Tunnel "ssh -q {host} letterbox imap alice@example.test"

MaildirStore here
Path ~/mail/
Inbox ~/mail/INBOX
SubFolders Verbatim

Channel all
Far :host:
Near :here:
Patterns *
Create Both
Sync All
"""
MUTT = """
set tunnel="ssh -q {host} letterbox imap alice@example.test"
set header_cache=
set pipe_decode=no wait_key=no quit=yes move=no
push "<pipe-message>cat > /root/by-mutt<enter><exit>"
"""
# curl has no tunnel: this gives it a port on loopback for one session.
RELAY = """
import socket, subprocess
with socket.create_server(("127.0.0.1", 1143)) as server:
    connection, _ = server.accept()
    command = ["ssh", "-q", "{host}", "letterbox", "imap", "alice@example.test"]
    subprocess.run(command, stdin=connection, stdout=connection)
"""


def client(place: Place) -> str:
    """Give the other machine a key. Returns how its ssh names the host."""
    world, host = place.lab.world, f"root@{place.lab.target.ipv4}"
    world.write("/root/.ssh/id_ed25519", place.lab.key.read_bytes())
    world.run(f"chmod 600 /root/.ssh/id_ed25519 && ssh -o StrictHostKeyChecking=accept-new {host} true")
    return host


def test_mbsync_has_each_of_1000_messages_once_that_arrive_while_it_works(imap_lab: Place) -> None:
    imap_lab.empty()
    world = imap_lab.lab.world
    world.write("/root/.mbsyncrc", MBSYNC.format(host=client(imap_lab)))
    world.run("rm -rf ~/mail ~/.mbsync ~/.local/state/isync && mkdir ~/mail")
    parts = [[f"message {part} {number}" for number in range(250)] for part in range(4)]
    counts: list[int] = []
    senders = [threading.Thread(target=lambda p=part: counts.append(len(imap_lab.send(p)))) for part in parts]
    for each in senders:
        each.start()
    syncs = 0
    while any(each.is_alive() for each in senders) or syncs < 2:
        done = world.run("mbsync -a", timeout=300)
        assert done.stderr == ""
        syncs += 1
    for each in senders:
        each.join()
    assert sum(counts) == 1000
    world.run("mbsync -a", timeout=300)
    stored = imap_lab.stored()
    here = digests(world, "/root/mail")
    assert (len(stored), len(set(stored))) == (1000, 1000)
    assert here == stored

    # What is marked and filed there is so on the host.
    mark = "cd ~/mail && mkdir -p Archive/cur Archive/new Archive/tmp && f=$(ls INBOX/new | head -1) && "
    world.run(f"{mark} mv INBOX/new/$f Archive/cur/${{f%%,U=*}}:2,S && mbsync -a", timeout=300)
    filed = imap_lab.lab.target.run(f"ls {MAIL}/alice/.Archive/cur").stdout.split()
    assert [name.rpartition(":")[2][:3] for name in filed] == ["2,S"]
    wait_until(lambda: imap_lab.units() == [], "no session is left")


def test_mutt_and_curl_read_the_same_octets(imap_lab: Place) -> None:
    imap_lab.empty()
    assert imap_lab.send(["for mutt"]) == ["for mutt"]
    imap_lab.wait_for(1)
    world, host = imap_lab.lab.world, client(imap_lab)
    world.write("/root/muttrc", MUTT.format(host=host))
    mutt = "stty rows 24 cols 80; mutt -F /root/muttrc -f imap://alice@mx1.example.test/INBOX"
    world.run(f"rm -f by-mutt; TERM=xterm timeout 60 script -qec {shlex.quote(mutt)} /dev/null")
    world.run(["sh", "-c", f"python3 -c {shlex.quote(RELAY.format(host=host))} >/dev/null 2>&1 &"])
    world.run(
        "until ss -Hltn 'sport = :1143' | grep -q .; do sleep 0.1; done; "
        "curl -sS --max-time 60 -o by-curl 'imap://127.0.0.1:1143/INBOX;MAILINDEX=1'"
    )
    read = world.run("for f in by-mutt by-curl; do tr -d '\\r' < $f | sha256sum; done").stdout.split()
    assert read[::2] == imap_lab.stored() * 2


def test_a_receiver_that_is_killed_while_messages_are_moved_loses_none(imap_lab: Place) -> None:
    imap_lab.empty()
    acknowledged = imap_lab.send([f"moved {number}" for number in range(200)])
    target = imap_lab.lab.target
    with imap_lab.session() as session:
        session.create("Archive")
        session.noop()
        more = threading.Thread(
            target=lambda: acknowledged.extend(imap_lab.send([f"more {n}" for n in range(200)]))
        )
        more.start()
        wait_until(lambda: len(acknowledged) >= 200, "the first ones are acknowledged")
        assert session.select()[0] == "OK"
        for number in range(0, 200, 50):
            assert session._simple_command("MOVE", "1:50", "Archive")[0] == "OK"
            target.run("systemctl kill -s KILL letterbox.service")
            wait_until(
                lambda: target.run("systemctl is-active letterbox", check=False).stdout == "active\n",
                f"it runs again after kill {number // 50 + 1}",
            )
        more.join()
    find = f"grep -rhE '^Subject: (moved|more) ' {MAIL}/alice | tr -d '\\r'"
    found = {line.removeprefix("Subject: ") for line in target.run(find).stdout.splitlines()}
    assert set(acknowledged) - found == set()
    assert len(acknowledged) >= 200
