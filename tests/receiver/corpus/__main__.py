"""The command: `python -m tests.receiver.corpus [--cache FOLDER] [--record]`. Needs pip, npm and node.

Exit codes: 0: at least 95 % of the mails are shown alike, or with an additional text, and the log and the
list have the same subject for each. 1: this is not so. 2: a package could not be fetched.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from receiver import headers
from receiver.reading import stored, summary
from tests.receiver.corpus import compare, fetch, reference
from tests.receiver.corpus.remainders import WHY
from tests.receiver.stored_mail import Mail

_WANTED = 95.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.receiver.corpus", description=__doc__)
    parser.add_argument("--cache", type=Path, default=fetch.cache(), metavar="FOLDER")
    parser.add_argument("--record", action="store_true", help="write what the sample is compared with")
    arguments = parser.parse_args()
    try:
        fetch.fetch(arguments.cache)
        if arguments.record:
            reference.record(arguments.cache / "node_modules")
            return 0
        mails = dict(fetch.mails(arguments.cache))
        said = reference.run(mails.items(), arguments.cache / "node_modules")
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"corpus: {error}: are pip, npm and node there, and can they fetch packages?", file=sys.stderr)
        return 2
    alike = more = logged = 0
    for name, octets in mails.items():
        if not _is_logged_as_listed(octets):
            logged += 1
            print(f"{name}: the log and the list show different subjects")
        found, is_more = compare.differences(reference.readings(said[name]), compare.ours(octets))
        alike += not found
        more += is_more
        if found:
            why = WHY.get(name.rpartition("/")[2], "not explained yet")
            print(f"{name}: {'a text more' if is_more else 'differs'}: {why}", *found, sep="\n    ")
    total = len(mails)
    print(
        f"{total} mails: {alike} shown as mailparser or postal-mime show them ({100 * alike / total:.1f} %), "
        f"{more} with a text that both lose ({100 * (alike + more) / total:.1f} % together), "
        f"{total - alike - more} otherwise"
    )
    return 0 if 100 * (alike + more) / total >= _WANTED and not logged else 1


def _is_logged_as_listed(octets: bytes) -> bool:
    wire = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head = wire[: headers.MAX_HEAD].partition(b"\r\n\r\n")[0]
    with tempfile.TemporaryDirectory() as folder:
        mail = Mail(Path(folder))
        path = mail.store(wire)
        message = stored.Stored(stored.maildirs(mail.folder)[0], path.name, str(path))
        return (headers.first_text(head, "subject") or "") == summary.read(message).subject


if __name__ == "__main__":
    sys.exit(main())
