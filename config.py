"""pyinfra runs this first. If the inventory is wrong, the run ends here, before anything connects.

https://docs.pyinfra.com has this file under "config.py".
"""

from __future__ import annotations

import atexit
import gc
import sys
from pathlib import Path

# pyinfra appends this folder to sys.path, behind dnspython, whose `dns` would then be taken for ours.
sys.path.insert(0, str(Path(__file__).resolve().parent))

# pyinfra switches bytecode off for its whole process, so as not to write config.pyc and deploy.pyc. Each run
# would then compile some 300 modules anew, which takes 0.7 s of 2.4 s. The user's own choice stays.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

# At its end the interpreter would look through all objects for cycles, to free memory that goes with the
# process anyway. That takes 0.15 s.
atexit.register(gc.freeze)

from provision.run import words  # noqa: E402
from provision.run.dry import say_what_follows  # noqa: E402
from provision.run.refusal import refuse_a_wrong_inventory  # noqa: E402

words.use()
refuse_a_wrong_inventory()
say_what_follows()
