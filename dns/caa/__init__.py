"""CAA records (RFC 8659): which authority may issue, bound to one account and method (RFC 8657)."""

from __future__ import annotations
