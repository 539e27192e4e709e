"""Cloudflare's API: finding, reading and changing a zone. `zones.Zones` is the way in."""

from __future__ import annotations
