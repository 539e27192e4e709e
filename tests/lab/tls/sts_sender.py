"""A sender that does MTA-STS (RFC 8461) and sends TLS reports (RFC 8460): a third Postfix in the world.

It asks postfix-mta-sts-resolver for the domain's policy, which looks at the TXT record at each delivery and
fetches the policy over HTTPS when the record has another id. Names it asks the resolver that keeps answers
for their TTL. What comes of TLS it tells tlsrpt-reporter, whose files are those of this environment.
"""

from __future__ import annotations

import importlib.metadata
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.tls.postfix import Sender, started
from tests.lab.world import World
from tests.waiting import wait_until

AUTHORITIES = "/run/lab/authorities.pem"
POLICIES = "/var/lib/mta-sts"
OUTCOMES = "/var/lib/tlsrpt"
KEPT = """
import sqlite3, sys
ask = "SELECT pol_id FROM sts_policy_cache WHERE domain = ?"
for (policy,) in sqlite3.connect(sys.argv[1]).execute(ask, sys.argv[2:]):
    print(policy)
"""


@dataclass(frozen=True, slots=True)
class StsSender(Sender):
    """The running Postfix, and what it knows of policies and outcomes."""

    def forget_names(self) -> None:
        """Let it forget each name that it has looked up, and keep the policies that it has fetched."""
        self.world.forget()
        # systemd counts starts, and a test makes more of them in ten seconds than it allows.
        self.world.run(
            "systemctl reset-failed mta-sts-resolver.service; systemctl restart mta-sts-resolver.service"
        )

    def forget(self) -> None:
        """Let it forget each policy that it has fetched, too, and each message that it has not delivered."""
        self.drop_queue()
        self.world.run(f"systemctl stop mta-sts-resolver.service; rm -rf {POLICIES}/*")
        self.forget_names()

    def kept(self, domain: str) -> str:
        """The id of the policy that it keeps for the domain. Empty if it keeps none."""
        return self.world.run(["python3", "-c", KEPT, f"{POLICIES}/cache.db", domain]).stdout.strip()

    def mail_reports(self) -> None:
        """Let its day end now, and its reports of it be mailed.

        A domain gets a report if it asks for one, and if there was a delivery since the last of these calls.
        """
        before = self.ended_day()
        # The signal is tlsrpt-reporter's own, for its developers.
        self.world.run("systemctl kill --signal=USR2 tlsrpt-collectd.service")
        wait_until(lambda: self.ended_day() not in ("", before), "the day ends")
        self.world.run(
            f"systemctl stop tlsrpt-reportd.service; rm -f {OUTCOMES}/reportd.sqlite*;"
            " systemctl start tlsrpt-reportd.service"
        )

    def ended_day(self) -> str:
        """Which file (by its inode) has the outcomes of the day that ended last. Empty if there is none."""
        return self.world.run(f"stat -c %i {OUTCOMES}/collectd.sqlite.yesterday", check=False).stdout


@contextmanager
def running(world: World, *authorities: str) -> Iterator[StsSender]:
    """The sender, which knows no policy yet, and trusts these authorities (certificates in PEM) alone.

    At the end it is stopped, and its queue is emptied.
    """
    sender = StsSender(world, "postfix-sts", 2526)
    world.write(AUTHORITIES, "".join(authorities))
    _bring_reporter(world)
    world.run(f"rm -rf {POLICIES}/* {OUTCOMES}/*")
    try:
        with started(world, sender.name, sender.port):
            wait_until(sender.ended_day, "the reporter has begun")
            yield sender
    finally:
        parts = ("mta-sts-resolver", "tlsrpt-collectd", "tlsrpt-reportd")
        world.run(["systemctl", "stop", *(f"{part}.service" for part in parts)])


def _bring_reporter(world: World) -> None:
    """Copy tlsrpt-reporter, which is Python alone and needs no other package, into the machine."""
    out = io.BytesIO()
    found = importlib.metadata.distribution("tlsrpt_reporter")
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path in found.files or ():
            if path.parts[0] != ".." and path.suffix != ".pyc":
                tar.add(Path(str(found.locate_file(path))), str(path))
    world.write("/run/lab/tlsrpt-reporter.tar", out.getvalue())
    world.run("mkdir -p /opt/tlsrpt-reporter && tar -xf /run/lab/tlsrpt-reporter.tar -C /opt/tlsrpt-reporter")
