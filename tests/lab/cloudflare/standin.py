"""The stand-in as a running server: state on disk, publishing, and faults on order."""

from __future__ import annotations

import copy
import json
import subprocess
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.lab.cloudflare import zonefile
from tests.lab.cloudflare.api import Api, Request, Token
from tests.lab.cloudflare.dnssec import FixedKey, Signer
from tests.lab.cloudflare.faults import Fault
from tests.lab.cloudflare.refusals import Refusal
from tests.lab.cloudflare.server import BASE, Answered, server_at
from tests.lab.cloudflare.workers import Account
from tests.lab.cloudflare.zones import Zone, zone_named


class StandIn:
    """Cloudflare's API on a socket, with zones of its own. Use as a context manager.

    `requests` is the log of what was asked, oldest first. `zones_dir` gets a zone file at every
    change, then `reload` is run by the shell. `state` is a file that outlives the process. `signer` signs the
    zones in which DNSSEC is switched on; without one, a fixed key is answered and nothing is signed. `edge`
    are the addresses, by record type, that are published for the custom domains of Workers.
    """

    def __init__(
        self,
        zones: Iterable[str] = ("example.test",),
        *,
        token: str = "lab-token-0123456789",
        nameservers: Iterable[str] = ("ns1.cloudflare.test", "ns2.cloudflare.test"),
        listen: tuple[str, int] = ("127.0.0.1", 0),
        zones_dir: Path | None = None,
        reload: str = "",
        state: Path | None = None,
        lifetimes: zonefile.Lifetimes = zonefile.AS_REAL,
        signer: Signer | None = None,
        edge: Mapping[str, str] = zonefile.PROXY,
    ) -> None:
        names = tuple(name.rstrip(".") for name in nameservers)
        self.token = token
        self.requests: list[Request] = []
        self.zones_dir, self.reload, self.state = zones_dir, reload, state
        self.lifetimes, self.edge = lifetimes, edge
        self.account = Account()
        self.zones = {zone.name: zone for zone in (zone_named(name, names) for name in zones)}
        self._restore()
        everything = Token(workers=True, ssl=True)
        self.api = Api(self.zones, {token: everything}, signer=signer or FixedKey(), account=self.account)
        self._faults: list[Fault] = []
        self._lock = threading.RLock()
        self._held = False
        self._server = server_at(listen, self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> StandIn:
        for zone in self.zones.values():
            self._publish(zone)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        """The value for `CLOUDFLARE_BASE_URL`."""
        host, port = self._server.server_address[:2]
        return f"http://{f'[{host}]' if ':' in str(host) else host}:{port}{BASE}"

    def add_token(
        self,
        token: str,
        *,
        zones: Iterable[str] | None = None,
        edit: bool = True,
        listing: bool = False,
        here: bool = True,
        workers: bool = False,
    ) -> None:
        """Issue another token: for these zones (None: all), which may or may not edit, and list all zones.

        `workers`: whether it has the account's right to change Workers.
        """
        only = None if zones is None else frozenset(zones)
        self.api.tokens[token] = Token(only, edit, listing, here, workers)

    def add_zone(self, name: str, key: str | None = None, **attributes: Any) -> Zone:
        """Add a zone. `key` is its key in `zones`, if there is one of its name already."""
        zone = zone_named(name, next(iter(self.zones.values())).nameservers)
        for attribute, value in attributes.items():
            setattr(zone, attribute, value)
        self.zones[key or name] = zone
        return zone

    def seed(self, zone: str, *records: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Put records into the zone by the rules of the API, but not through it."""
        with self._lock:
            made = [self.zones[zone].create(record) for record in records]
            self._publish(self.zones[zone])
            return made

    def records(self, zone: str) -> list[dict[str, Any]]:
        """The zone's records as the API shows them, in the order they were made."""
        with self._lock:
            return [dict(record) for record in self.zones[zone].records.values()]

    def fail_next(self, fault: Fault) -> None:
        """Make the next request that the fault is meant for go wrong. Several are kept in order."""
        self._faults.append(fault)

    def hold_publishing(self) -> None:
        """Accept changes without publishing them, until `publish` is called."""
        self._held = True

    def publish(self) -> None:
        """Publish everything that was held back."""
        with self._lock:
            self._held = False
            for zone in self.zones.values():
                self._publish(zone)

    def fault_for(self, request: Request) -> Fault | None:
        """Take the first of the ordered faults that fits the request."""
        with self._lock:
            for fault in self._faults:
                if request.path.endswith(fault.on):
                    self._faults.remove(fault)
                    return fault
        return None

    def answer(self, request: Request) -> Answered:
        """Status, JSON and extra headers of the answer. A change is published before this returns."""
        with self._lock:
            try:
                body, changed = self.api.answer(request)
            except Refusal as refusal:
                return refusal.status, refusal.body(), refusal.headers
            if changed:
                self._publish(changed)
            elif request.method != "GET":
                self._keep()
            return 200, body, {}

    def served(self, name: str, seconds_ago: float = 0.0) -> str | None:
        """The script of the Worker that answers for this host name, as it was so many seconds ago."""
        with self._lock:
            return self.account.served(name, seconds_ago)

    def _publish(self, zone: Zone) -> None:
        if self.zones_dir and not self._held and zone.type == "full":
            zonefile.write(zone, self.zones_dir, self.lifetimes, self.edge)
            if self.reload:
                subprocess.run(self.reload, shell=True, check=False, stdin=subprocess.DEVNULL, timeout=30)
        self._keep()

    def _keep(self) -> None:
        if self.state:
            new = self.state.with_suffix(".new")
            zones = [asdict(zone) for zone in self.zones.values()]
            new.write_text(json.dumps({"zones": zones, "account": asdict(self.account)}))
            new.replace(self.state)

    def answer_as_if_made(self, request: Request) -> Answered:
        """The answer to a change that is not made."""
        with self._lock:
            kept = {key: dict(zone.records) for key, zone in self.zones.items()}
            account = copy.deepcopy(self.account)
            try:
                body, _ = self.api.answer(request)
            except Refusal as refusal:
                return refusal.status, refusal.body(), refusal.headers
            for key, records in kept.items():
                self.zones[key].records = records
            self.account.scripts, self.account.domains = account.scripts, account.domains
            return 200, body, {}

    def _restore(self) -> None:
        if self.state and self.state.exists():
            state = json.loads(self.state.read_text())
            self.account = Account(**state["account"])
            for kept in state["zones"]:
                if kept["name"] in self.zones:
                    nameservers = self.zones[kept["name"]].nameservers
                    self.zones[kept["name"]] = Zone(**{**kept, "nameservers": nameservers})
