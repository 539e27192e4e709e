"""`inventory.py`, the one file a user edits, as checked values."""

from dns.inventory.checked import Domain, Inventory, InventoryError, MailHost, from_hosts, load

__all__ = ["Domain", "Inventory", "InventoryError", "MailHost", "from_hosts", "load"]
