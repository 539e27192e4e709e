"""A stand-in for Cloudflare's DNS API that refuses what the real one refuses.

It is stateful, and needs the standard library only, so that the world machine can run a copy of this folder.
In a test: `with StandIn(...) as cloudflare: cloudflare.base_url`. As a program: `python -m
tests.lab.cloudflare --help`. Every change is published as a zone file.
"""

from __future__ import annotations

from tests.lab.cloudflare.faults import Fault
from tests.lab.cloudflare.standin import StandIn

__all__ = ["Fault", "StandIn"]
