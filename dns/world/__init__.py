"""What the world answers about a domain: nameservers, resolvers, and port 25 of the mail hosts."""

from __future__ import annotations
