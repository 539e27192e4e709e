"""Go to the next key of each host: `pyinfra inventory.py rekey.py`.

A key needs no change because its certificate is old. This is for a key that somebody else may have read, or
for a habit. Where a domain does DANE, the run goes ahead only once the TLSA record of the next key has stood
for two TTLs at every nameserver of the zone. It does not while an MTA-STS policy is enforced, because the
new key has a self-signed certificate until that is renewed. Key and certificate change together, without a
restart, and another next key is made. The next run of deploy.py takes the record of the old key out of the
DNS. `--dry` shows what would happen.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # as in deploy.py

from provision import system
from provision.run.refusal import refusing
from provision.tls import rekey

with refusing():
    system.prepare(needed=())
    rekey.prepare()

rekey.rekeyed(name="Next key")
