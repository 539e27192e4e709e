"""Start the command. What cannot be imported is said in one line: a release is built for one Python."""

from __future__ import annotations

import sys


def start() -> int:
    """Run the command. Returns the exit code."""
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
    sys.exit(start())
