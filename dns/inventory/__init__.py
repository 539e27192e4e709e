"""`inventory.py`, the one file that a user edits, as checked values.

It is a pyinfra inventory. Its group `mail_hosts` names the hosts, and the group's data holds the domains.
"""

from __future__ import annotations

from dns.inventory.checked import Inventory, InventoryError, from_hosts
from dns.inventory.domain import Domain
from dns.inventory.file import load
from dns.inventory.mail_host import MailHost

__all__ = ["Domain", "Inventory", "InventoryError", "MailHost", "from_hosts", "load"]
