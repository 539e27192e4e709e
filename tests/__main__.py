"""`make test`: every test, in two runs of pytest at the same time, and a third behind the shorter of them.

The tests of the throwaway machine mostly wait for machines. All others mostly compute. Side by side they take
about as long as the longer run alone. Tests with a lab of their own follow those without. Each run gets the
arguments. The exit code is 0 if no test failed, else that of the first run in which one did.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress

NO_LAB = "LETTERBOX_NO_LAB"
"""Set for the run without the lab. A test in it that asks for the lab fails, because it lacks the mark."""
_NOTHING_SELECTED = 5  # pytest's exit code if its arguments select no test


def main(arguments: Sequence[str]) -> int:
    command = [sys.executable, "-m", "pytest", *arguments]
    print("Two runs side by side. The output of the one without the lab follows at the end.", flush=True)
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as shown,
        subprocess.Popen([*command, "-m", "lab and not own_lab"]) as lab,
    ):
        codes = []
        for marks, more in (("not lab", {NO_LAB: "1"}), ("own_lab", {})):
            with subprocess.Popen(
                [*command, "-m", marks], env={**os.environ, **more}, stdout=shown, stderr=subprocess.STDOUT
            ) as others:
                codes.append(_ended(others))
        codes.insert(0, _ended(lab))
        shown.seek(0)
        print(shown.read(), end="", flush=True)
    failed = [code for code in codes if code not in (0, _NOTHING_SELECTED)]
    return failed[0] if failed else min(codes)


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Its exit code. Ctrl-C reaches it too, and it cleans up and ends."""
    with suppress(KeyboardInterrupt):
        process.wait()
    return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
