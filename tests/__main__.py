"""`make test`: every test, in two runs of pytest at the same time.

The tests of the throwaway machine mostly wait for machines. All others mostly compute. Side by side they take
about as long as the longer run alone. Both get the arguments. The exit code is 0 if no test failed, else that
of the first run in which one did.
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
    print("Two runs side by side. The output of the second, without the lab, follows at the end.", flush=True)
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as shown,
        subprocess.Popen(
            [*command, "-m", "not lab"],
            env={**os.environ, NO_LAB: "1"},
            stdout=shown,
            stderr=subprocess.STDOUT,
        ) as others,
        subprocess.Popen([*command, "-m", "lab"]) as lab,
    ):
        codes = []
        for process in (lab, others):
            with suppress(KeyboardInterrupt):  # Ctrl-C reaches both runs too. They clean up and end.
                process.wait()
            codes.append(process.wait())
        shown.seek(0)
        print(shown.read(), end="", flush=True)
    failed = [code for code in codes if code not in (0, _NOTHING_SELECTED)]
    return failed[0] if failed else min(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
