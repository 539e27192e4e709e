"""The checks of who sent a message: whether their resolver answers, and how many could not be decided.

Neither stops mail: what cannot be checked is stored all the same, and its result is `temperror`. So a link
here is never broken. It cannot be told, and says where to look.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from receiver.checks.dns_query import MX, TemporaryFailure
from receiver.checks.resolver import CallMissing, NoResolver, VarlinkResolver
from receiver.config.values import Config
from receiver.doctor import dialogue
from receiver.doctor.links import Link
from receiver.doctor.units import DEPLOY, SERVICE

_RESOLVER, _UNDECIDED = "resolver", "sender checks"
_OWN = "letterbox-resolver"
_PATIENCE = 5.0  # seconds
_MOST_LINES = 100_000  # of the journal
_TOO_MANY = 0.05  # of the messages
_FEW = 5  # messages, which one sender with broken nameservers may account for
_QUOTED = re.compile(rb'"[^"]*"')  # it may hold words of a sender
_CHECKED = re.compile(rb"event=received .* (?:dkim|spf|dmarc)=")
_OWN_MAIL = f" from=<{dialogue.SENDER}> ".encode()
_TEMPERROR = re.compile(rb" (?:dkim|spf|dmarc)=temperror\b")


def check_resolver(config: Config) -> Link:
    """The resolver answers a question about the first domain. The caller should have no rights."""
    assert config.checks
    return asyncio.run(ask(config.checks.resolver, config.domains[0].name))


async def ask(path: Path, domain: str) -> Link:
    """Ask the resolver at this socket for the MX of a domain. Any answer will do, also that there is none."""
    name = "systemd-resolved" if path.is_relative_to("/run/systemd") else path.parent.name
    resolver = VarlinkResolver(path, _PATIENCE)
    began = time.monotonic()
    try:
        await resolver.query(domain, MX)
    except NoResolver as error:
        fix = f"{DEPLOY}; journalctl -u {_OWN} -n 20"
        if name != _OWN:
            fix = f"systemctl enable --now {name}; or {DEPLOY}, which brings {_OWN}"
        return Link(
            _RESOLVER, f"{name}: no resolver at {path}: {error.cause}: no sender is checked", look=fix
        )
    except CallMissing:
        evidence = f"{name} is older than systemd 256, and cannot be asked: no sender is checked"
        return Link(_RESOLVER, evidence, look=f"{DEPLOY}, which brings {_OWN}")
    except TemporaryFailure as error:
        look = f"resolvectl status; resolvectl query -t MX {domain}"
        if name == _OWN:
            look = f"cat /etc/resolv.conf; see that these nameservers answer; journalctl -u {_OWN} -n 20"
        return Link(_RESOLVER, f"{name}: {error}", look=look)
    finally:
        resolver.close()
    return Link(_RESOLVER, f"answers ({name}, {1000 * (time.monotonic() - began):.0f} ms)")


def check_undecided() -> Link:
    """The checks of the last hour's messages were decided, but for a few. The service's journal tells."""
    command = [
        "journalctl",
        "-q",
        "-u",
        SERVICE,
        "--since=-1h",
        "-n",
        str(_MOST_LINES),
        "-o",
        "cat",
        "--no-pager",
    ]
    look = f"journalctl -u {SERVICE} --since=-1h"
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as journal:
            assert journal.stdout
            checked, undecided = counted(journal.stdout)
    except OSError as error:
        return Link(_UNDECIDED, f"the journal cannot be read ({error.strerror})", look=look)
    if journal.returncode:
        return Link(_UNDECIDED, f"the journal cannot be read (exit code {journal.returncode})", look=look)
    return judged(checked, undecided)


def counted(lines: Iterable[bytes]) -> tuple[int, int]:
    """How many messages were checked, and with how many of them a result is `temperror`."""
    checked = undecided = 0
    for line in lines:
        plain = _QUOTED.sub(b"", line)
        if _CHECKED.match(plain) and _OWN_MAIL not in plain:
            checked += 1
            undecided += bool(_TEMPERROR.search(plain))
    return checked, undecided


def judged(checked: int, undecided: int) -> Link:
    """What the numbers of the last hour say."""
    evidence = f"the last hour: {undecided} of {checked} messages could not be checked (temperror)"
    if undecided >= _FEW and undecided > _TOO_MANY * checked:
        look = f"journalctl -u {SERVICE} --since=-1h | grep temperror: DNS did not answer for these"
        return Link(_UNDECIDED, evidence, look=look)
    return Link(_UNDECIDED, evidence if checked else "no message in the last hour")
