"""Start the command. What cannot be imported is said in one line: a release is built for one Python."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn


def start() -> int:
    """Run the command. Returns the exit code."""
    try:
        from services.renewal.command import main
    except ImportError as error:
        built = f"Python {sys.version_info.major}.{sys.version_info.minor}"
        print(
            f"letterbox-certificate: {error.name or 'a library'} cannot be imported by {built}: "
            "deploy again, which builds a release for this Python",
            file=sys.stderr,
        )
        return 1
    signal.signal(signal.SIGTERM, _end)
    return main(sys.argv[1:])


def _end(*_: object) -> NoReturn:
    """End on SIGTERM, and remove on the way what was published."""
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(start())
