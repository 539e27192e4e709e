"""Our own load generator, `smtp_load.c`: as quick as Postfix's `smtp-source`, and it can do STARTTLS.

It is compiled once, into the cache folder. `smtp-source` puts the plain loads, because everybody knows it.
With `--own-client` ours puts them too, so that the two can be compared.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.mail.checks.signing import Prepared
from benchmarks.mail.errors import Broken
from tests.conformance.peers import packages

_SOURCE = Path(__file__).with_name("smtp_load.c")
_NEEDED = "apt-get install gcc libc6-dev libssl-dev, or dnf install gcc openssl-devel"


@functools.cache
def program() -> Path:
    """Compile it, and return its path. Raises Broken."""
    made = packages() / f"smtp_load-{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]}"
    if made.exists():
        return made
    if not shutil.which("cc"):
        raise Broken(f"loads over STARTTLS need a C compiler: {_NEEDED}")
    made.parent.mkdir(parents=True, exist_ok=True)
    part = made.with_name(f"{made.name}.{os.getpid()}")
    command = ["cc", "-O2", "-Wall", "-Wextra", "-o", str(part), str(_SOURCE), "-lssl", "-lcrypto"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        why = " ".join(done.stderr.split())[:300]
        raise Broken(f"{_SOURCE.name} does not compile ({why}): {_NEEDED}")
    part.rename(made)
    return made


def command(
    port: int,
    *,
    sessions: int,
    messages: int,
    octets: int,
    kept: bool = False,
    tls: bool = False,
    prepared: Prepared | None = None,
) -> list[str]:
    """The command line of a load. Raises Broken."""
    words = [str(program()), *(["-d"] * kept), *(["-t"] * tls), "-s", str(sessions), "-m", str(messages)]
    if prepared:
        words += ["-p", str(prepared.heads), "-b", str(prepared.body), "-a", prepared.address]
    else:
        words += ["-l", str(octets), "-f", "stranger@sender.test"]
    return [*words, "-r", "alice@example.test", str(port)]


def holding(port: int, number: int) -> list[str]:
    """The command line that holds so many idle TLS connections open until its standard input ends.

    It prints `held` when all are there. Raises Broken.
    """
    return [str(program()), "-H", "-s", str(number), str(port)]
