"""DKIM beside other verifiers: `python -m tests.receiver.checks.dkim.differential [--messages N] [--start N]`

Exit codes: 0: no difference without a cause. 1: there is one. 2: mailauth cannot be installed.
"""

from __future__ import annotations

import argparse
import sys

from tests.receiver.checks.dkim.differential.compare import compare


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.receiver.checks.dkim.differential")
    parser.add_argument("--messages", type=int, default=50_000, metavar="N")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="the number of the first message")
    arguments = parser.parse_args()
    try:
        found = compare(arguments.messages, arguments.start)
    except OSError as error:
        print(f"dkim: {error}", file=sys.stderr)
        return 2
    print(found)
    return 1 if found.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
