"""Make a domain's records at Cloudflare match the inventory: `python -m dns.sync DOMAIN`.

A deploy calls `prepare`, `nameservers_to_ask`, and `carry_out`, which waits with `wait_until_served`.
"""

from __future__ import annotations

from dns.cloudflare.zones import Zones
from dns.errors import SyncError
from dns.inventory.host_addresses import Addresses
from dns.sync.change import apply
from dns.sync.command import main
from dns.sync.prepared import Prepared
from dns.sync.preparing import in_order, prepare, prepare_withdrawal
from dns.sync.stages import Serve, carry_out
from dns.sync.verify import changed_but, nameservers_to_ask, wait_until_served

__all__ = [
    "Addresses",
    "Prepared",
    "Serve",
    "SyncError",
    "Zones",
    "apply",
    "carry_out",
    "changed_but",
    "in_order",
    "main",
    "nameservers_to_ask",
    "prepare",
    "prepare_withdrawal",
    "wait_until_served",
]
