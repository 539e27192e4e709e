"""Renew the certificates that are due, and nothing else: `pyinfra inventory.py renew.py`, or `make renew`.

For a scheduled job, once a day, on a machine that has `CLOUDFLARE_API_TOKEN` and reaches the hosts. A deploy
does the same. A host that was handed a token of its own renews by itself, and is left alone. If a certificate
is due and is not renewed, the run fails, so that the job tells; the one in use stays. `--dry` shows what is
due.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # as in deploy.py

from provision import system
from provision.renewal import steps
from provision.run.refusal import refusing

with refusing():
    system.prepare(needed=())
    steps.prepare_here()

steps.renewed_here(name="Certificate: renewed, if wanted")
