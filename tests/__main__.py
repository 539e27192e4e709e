"""`make test`: every test, in several runs of pytest at the same time. The arguments go to each of them.

At the end stands how each run ended, and every test that failed. The exit code is 0 if none did.
"""

from __future__ import annotations

import sys

from tests.streams import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
