"""A stand-in for Cloudflare's DNS API that refuses what the real one refuses.

Stateful, standard library only, and relative imports throughout, so that the folder can be copied
elsewhere under another name. In a test: `with StandIn(...) as cloudflare: cloudflare.base_url`;
as a program: `python -m tests.lab.cloudflare --help`. Every change is published as a zone file.
"""

from __future__ import annotations

from tests.lab.cloudflare.faults import Fault
from tests.lab.cloudflare.standin import StandIn

__all__ = ["Fault", "StandIn"]
