"""Go back to the generation that ran before: `pyinfra inventory.py rollback.py`.

Each run goes back by one generation, until no older one is kept. `--data generation=NAME` goes to the one of
this name. The next run of deploy.py goes forward again, to what the inventory says.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # as in deploy.py

from provision import generation, system
from provision.run.refusal import refusing

with refusing():
    system.prepare(needed=())
    generation.prepare()

generation.rolled_back(name="Back to the generation before")
