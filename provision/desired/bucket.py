"""The units of the bucket, and their configuration, as the inventory wants them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tomli_w

from dns.inventory.store.values import Store
from provision.desired.files import sha256
from provision.desired.heartbeat import telling_failures
from provision.host import layout

_FILES = Path(__file__).resolve().parents[2] / "files"
_HEAD = '# Written by the deploy, from the key "store" of inventory.py.\n'


@dataclass(frozen=True, slots=True)
class WantedBucket:
    """What a host with a store should have."""

    units: Mapping[str, str]
    """The texts of its units, by their names."""
    config: str
    """The text of bucket.toml."""
    program: str
    """The digest of the release."""
    key: str | None = field(default=None, repr=False)
    """The key pair. None if the host keeps its own."""

    def key_stays(self, digest: str) -> bool:
        """Whether the pair on the host, which has this digest, is the wanted one."""
        return self.key is None or digest == sha256(self.key)


def unit_texts(*, pulls: bool, heartbeat: bool) -> dict[str, str]:
    """The texts of the units, by their names. With a heartbeat, the failure of one is told at once."""
    names = [layout.BUCKET_SERVICE, layout.BUCKET_SOCKET_UNIT, layout.PUSH_SERVICE]
    texts = {
        name: (_FILES / name).read_text() for name in (*names, *([layout.PULL_SERVICE] if pulls else []))
    }
    if not heartbeat:
        return texts
    return {
        name: telling_failures(text) if name.endswith(".service") else text for name, text in texts.items()
    }


def bucket_toml(store: Store) -> str:
    """The file that the program reads, on a host and here."""
    table = {"urls": list(store.urls), "region": store.region, "allow_http": store.allow_http}
    return _HEAD + tomli_w.dumps(table)
