"""What the promise of the bucket costs, on a store that speaks S3 (SeaweedFS), on this machine.

Run `make bench-bucket`, or `python -m benchmarks.bucket`. All parts share the machine: the senders, the
receiver, `letterbox-bucket` and the store. So only what was measured in the same round is compared.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bucket import measures, pulls
from benchmarks.mail.errors import Broken

MEASURES = ("rates", "far", "beside", "large", "pulls")
_MESSAGES = {1: 300, 20: 1200, 200: 2000}
_FAR = 6000
_PULLED = (10_000, 100_000)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks.bucket", description=__doc__)
    made.add_argument("--only", action="append", choices=MEASURES, help="only these, repeatable (all)")
    made.add_argument("--rounds", type=int, default=3, help="of the rates, after a warm-up (3)")
    made.add_argument("--short", action="store_true", help="a quarter of the messages")
    made.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="for mail that is staged")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    given = parser().parse_args(argv)
    if given.rounds < 1:
        parser().error("argument --rounds: must be at least 1")
    part = 4 if given.short else 1
    wanted = given.only or MEASURES
    try:
        with tempfile.TemporaryDirectory(dir=given.folder) as name:
            folder = Path(name)
            if "rates" in wanted:
                messages = {senders: number // part for senders, number in _MESSAGES.items()}
                for each in measures.rates(folder, given.rounds, messages, _progress):
                    _print(str(each))
            if "far" in wanted:
                _print(measures.far(folder, _FAR // part))
            if "beside" in wanted:
                for line in measures.beside(folder, _MESSAGES[20] // part, _progress):
                    _print(line)
            if "large" in wanted:
                _print(measures.large(folder))
            if "pulls" in wanted:
                for line in pulls.growth(folder / "pulls", [each // part for each in _PULLED], _progress):
                    _print(line)
    except (Broken, OSError, KeyboardInterrupt) as error:
        _progress("")
        print(f"benchmarks.bucket: {str(error) or 'interrupted'}", file=sys.stderr)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _print(line: str) -> None:
    _progress("")
    print(line, flush=True)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
