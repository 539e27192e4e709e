"""A key for the zone, and the DS that belongs to it."""

from __future__ import annotations

from pathlib import Path

KEY = "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ=="


def sign(zones_dir: Path) -> None:
    """Put a key into the zone."""
    path = zones_dir / "example.test.zone"
    path.write_text(f"{path.read_text()}example.test. 60 DNSKEY {KEY}\n")


def _ds() -> str:
    from dns.dnssec import make_ds
    from dns.rdata import from_text

    return make_ds("example.test.", from_text("IN", "DNSKEY", KEY), "SHA256").to_text()


DS = _ds()
