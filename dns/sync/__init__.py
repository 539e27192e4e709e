"""Make a domain's records at Cloudflare match the inventory: `python -m dns.sync DOMAIN`."""

from dns.sync.command import (
    Addresses,
    Prepared,
    SyncError,
    Zones,
    apply,
    changed_but,
    main,
    nameservers_to_ask,
    prepare,
    wait_until_served,
)

__all__ = [
    "Addresses",
    "Prepared",
    "SyncError",
    "Zones",
    "apply",
    "changed_but",
    "main",
    "nameservers_to_ask",
    "prepare",
    "wait_until_served",
]
