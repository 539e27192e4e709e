"""Start the command. What cannot be imported is said in one line: a release is built for one Python."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def start() -> NoReturn:
    """Run the command, and end with its exit code.

    The process ends without Python's own clean-up. obstore's threads may still run then, and one that needs
    the interpreter while that goes away aborts the process (SIGABRT).
    """
    code = _run()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run() -> int:
    try:
        from services.bucket.command import main
    except ImportError as error:
        built = f"Python {sys.version_info.major}.{sys.version_info.minor}"
        print(
            f"letterbox-bucket: {error.name or 'a library'} cannot be imported by {built}: "
            "deploy again, which builds a release for this Python",
            file=sys.stderr,
        )
        return 1
    return main(sys.argv[1:])


if __name__ == "__main__":
    start()
