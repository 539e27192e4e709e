"""`python -m tests.smoke.why INVENTORY`: what `letterbox doctor` says on each host of the inventory.

It asks as the smoke tests do, so their narrow key is enough. Exit codes: 0 all answered; 1 one did not.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dns.inventory import InventoryError, load
from tests.smoke.conftest import ask


def main(argv: list[str]) -> int:
    """The command line; the exit code."""
    try:
        hosts = load(Path(argv[0] if argv else "inventory.py")).hosts
    except InventoryError as error:
        print(error, file=sys.stderr)
        return 1
    failed = False
    for host in hosts:
        print(host.name, flush=True)
        try:
            done = ask(host, "doctor")
        except subprocess.TimeoutExpired:
            print("no answer in time")
            failed = True
            continue
        print(done.stdout or done.stderr, flush=True)
        failed = failed or not done.stdout
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
