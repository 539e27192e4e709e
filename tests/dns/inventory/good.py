"""A good inventory, and what is reported about one with changes."""

from __future__ import annotations

from typing import Any

from dns.inventory import InventoryError, from_hosts

GOOD_HOST: dict[str, Any] = {"ssh_user": "root", "public_ipv4": "1.1.1.1", "public_ipv6": "2606:4700::1111"}


GOOD_DOMAIN: dict[str, Any] = {"mailboxes": ["alice", "bob"], "aliases": {"postmaster": ["alice"]}}


def problems(host: dict[str, Any] | None = None, domain: Any = None, domains: Any = None) -> list[str]:
    """The problems of a good inventory with these changes, one per line."""
    data = {**GOOD_HOST, **(host or {})}
    data["domains"] = {"example.com": {**GOOD_DOMAIN, **(domain or {})}} if domains is None else domains
    try:
        from_hosts([("mx1.example.com", data)])
    except InventoryError as error:
        return str(error).splitlines()
    return []


def named(characters: int) -> str:
    """A domain name of this length."""
    name = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    return name[len(name) - characters :]
