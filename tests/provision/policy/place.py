"""The lab of this folder: its inventories, its runs, and what the world sees of the domain's policy."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dns.cloudflare.zones import Zones
from dns.mta_sts.policy import Policy, Served
from dns.plan import Change, Plan
from dns.records import ZoneRecord
from dns.world import policy
from dns.world.vantage import vantage_with
from tests.deploys import PYINFRA, ROOT, Run, deploy
from tests.lab.lab import DOMAIN, Lab
from tests.lab.tls.pebble import Pebble
from tests.provision.withdrawal.two_hosts import sync

MX1, MX2 = (f"mx{number}.{DOMAIN}" for number in (1, 2))
EVERYTHING: dict[str, object] = {"mta_sts": "enforce", "tls_reports": True, "caa": True}
SAYS = f"[{MX1}] {DOMAIN}"
"""How a line begins in which a deploy says how far it is with the domain."""
_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_OVER = "2026-01-01T00:00:00Z"

Seen = tuple[str, frozenset[tuple[object, ...]]]


@dataclass
class Place:
    """The lab, the authority that its hosts get certificates from, and a folder for inventories and state."""

    lab: Lab
    authority: Pebble
    folder: Path
    ds: str = ""
    """What the first deploy said for the registrar."""

    @property
    def environment(self) -> dict[str, str]:
        return {"XDG_STATE_HOME": str(self.folder / "state")}

    def inventory(
        self,
        domain: Mapping[str, object],
        *,
        hosts: tuple[str, ...] = (MX1,),
        certified: tuple[str, ...] | None = None,
    ) -> Path:
        """An inventory of these hosts, of which those in `certified` (all) get an authority's certificate."""
        head, *entries, tail = re.split(r"(?m)^(?=        \($|    \],$)", self.lab.inventory.read_text())
        kept = []
        for entry in entries:
            name = next(each for each in (MX1, MX2) if f'"{each}"' in entry)
            if name in (hosts if certified is None else certified):
                profile = (
                    '"certificate_profile": "classic"'  # else Pebble takes any, also that of ten seconds
                )
                wanted = f'"certificate": "{self.authority.directory_by_address}", {profile}, "ssh_user"'
                entry = entry.replace('"ssh_user"', wanted)
            kept += [entry] if name in hosts else []
        more = "".join(f' "{key}": {value!r},' for key, value in domain.items())
        old = '"catch_all": None,'
        assert old in tail
        path = self.folder / "inventory.py"
        path.write_text("".join([head, *kept, tail.replace(old, old + more)]))
        return path

    def deploy(self, inventory: Path, *options: str, script: str = "deploy.py", **more: str | None) -> Run:
        """A run of the deploy, or of another script, without a question."""
        environment: dict[str, str | None] = {**self.environment, **more}
        return deploy(
            self.lab, *(options or ("-y",)), inventory=inventory, script=script, environment=environment
        )

    def sync(self, inventory: Path, *options: str) -> Run:
        """`python -m dns.sync`, with the state of the deploys."""
        return sync(self.lab, DOMAIN, *options, inventory=inventory, environment=self.environment)

    def cut_off(self, inventory: Path, lines: int, *, script: str = "deploy.py") -> int:
        """Kill a run when it has said so many lines about the domain. Returns how many it has said."""
        variables = {**os.environ, **self.lab.environment, **self.environment, "PYINFRA_PROGRESS": "off"}
        with subprocess.Popen(
            [PYINFRA, "-y", inventory, script],
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr
            said = 0
            for line in process.stderr:
                said += SAYS in line
                if said == lines:
                    break
            process.send_signal(signal.SIGKILL)
        return said

    @property
    def zones(self) -> Zones:
        return Zones(self.lab.environment)

    def records(self) -> tuple[ZoneRecord, ...]:
        zones = self.zones
        return zones.records(zones.holding(DOMAIN))

    def values(self, name: str, kind: str) -> list[str]:
        """What Cloudflare has, in the form of `dns.records`."""
        found = [
            held.record for held in self.records() if (held.record.name, held.record.type) == (name, kind)
        ]
        return sorted(record.rdata for record in found)

    def comment(self) -> str:
        """The comment of the TXT record of the policy. Empty if there is no such record."""
        found = [held.record for held in self.records() if held.record.name == f"_mta-sts.{DOMAIN}"]
        return (found[0].comment or "") if found else ""

    def served(self) -> Served:
        """What a sender gets who fetches the policy."""
        self.lab.world.forget()
        with_trust = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = self.lab.environment["SSL_CERT_FILE"]
        try:
            return policy.fetch(DOMAIN, vantage_with(self.lab.world.ipv4))
        finally:
            if with_trust is None:
                del os.environ["SSL_CERT_FILE"]
            else:
                os.environ["SSL_CERT_FILE"] = with_trust

    def policy(self) -> Policy:
        """The policy that a sender gets. The TXT record must tell of it."""
        found = self.served()
        assert found.policy, found
        assert self.values(f"_mta-sts.{DOMAIN}", "TXT") == [f"v=STSv1; id={found.policy.id}"]
        return found.policy

    def seen(self) -> Seen:
        """All that the world sees of the domain, and what our records remember, without the times."""
        records = {
            (*held.record.value, _TIME.sub("TIME", held.record.comment or "")) for held in self.records()
        }
        return self.served().text, frozenset(records)

    def time_passes(self) -> None:
        """What stays for a time has stayed long enough: the times in the comments are over."""
        changes = []
        for held in self.records():
            comment = _TIME.sub(_OVER, held.record.comment or "")
            if comment != (held.record.comment or ""):
                changes.append(Change(held, replace(held.record, comment=comment)))
        zones = self.zones
        assert zones.change(zones.holding(DOMAIN), Plan((), patches=tuple(changes))).confirmed
        self.lab.world.forget()

    def without_a_policy(self) -> None:
        """Nothing of a policy is at Cloudflare, as if there had never been one."""
        zones = self.zones
        zone = zones.holding(DOMAIN)
        zones.workers.remove(zone, DOMAIN)
        going = [held for held in self.records() if held.record.name == f"_mta-sts.{DOMAIN}"]
        if going:
            assert zones.change(zone, Plan((), deletes=tuple(going))).confirmed
        self.lab.world.forget()


def done(run: Run) -> Run:
    assert run.code == 0, run.stdout + run.stderr
    return run
