"""pyinfra runs this first. If the inventory is wrong, the run ends here, before anything connects.

https://docs.pyinfra.com has this file under "config.py".
"""

from __future__ import annotations

import sys
from pathlib import Path

# pyinfra appends this folder to sys.path, behind dnspython, whose `dns` would then be taken for ours.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from provision.run import words
from provision.run.dry import say_what_follows
from provision.run.refusal import refuse_a_wrong_inventory

words.use()
refuse_a_wrong_inventory()
say_what_follows()
