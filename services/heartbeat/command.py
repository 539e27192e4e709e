"""`python -m services.heartbeat`: the command line, and one run."""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from services.heartbeat import certificate, findings, message, ping, state
from services.heartbeat.findings import Finding
from services.heartbeat.look import Look, NoAnswer
from services.heartbeat.switch import Switch, parse_switch

PROGRAM = "letterbox-heartbeat"
CREDENTIAL = "heartbeat"
LOOK = Path("/run/letterbox-heartbeat-look.socket")
SECONDS = 60.0  # for all that is looked at
_EPILOG = """\
exit codes: 0 all is well, and the switch knows; 1 something is not, or the switch could not be told: one
line on stderr says what; 2 wrong arguments.
"""


def main(argv: list[str]) -> int:
    """Run once. Returns the exit code."""
    given = _arguments(argv)
    try:
        switch = _switch(given.address)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        print(f"{PROGRAM}: the switch's address cannot be used: {said}: deploy again", file=sys.stderr)
        return 1
    if given.failed:
        found = [failed_unit(given.failed)]
    else:
        late = [Finding("heartbeat", None, f"the look did not end within {SECONDS:g} s")]
        found = ping.within(SECONDS, lambda: look(given.look, given.place, given.port), late)
    return _tell(switch, found, given)


def look(path: Path, places: list[str], port: int) -> list[Finding]:
    """Look at everything, and let a test message through each place. Never raises."""
    found: list[Finding] = []
    try:
        with Look(path) as looking:
            found += looking.findings
            if looking.address:
                for place in places or message.own_addresses():
                    found += _through(looking, place, port, found)
            elif findings.is_well(found):
                found.append(Finding("heartbeat-look", None, "it gave no address for a test message"))
    except NoAnswer as error:
        found.append(Finding("heartbeat-look", None, str(error)))
    except Exception as error:  # what cannot be told is not well, whatever the cause
        found.append(Finding("heartbeat", None, f"{type(error).__name__}: {error}"))
    return found


def _through(looking: Look, place: str, port: int, before: list[Finding]) -> list[Finding]:
    """What a test message through one place shows. The certificate is named once if it is the same."""
    sent = message.send(place, port, looking.address, starttls=looking.starttls)
    found = [sent.finding]
    if sent.served is not None:
        served = certificate.look(sent.served, datetime.now(UTC))
        found += [served] if served not in before else []
    if sent.finding.well:
        taken = looking.take(sent.content)
        words = f"{sent.finding.words}, {taken.words}"
        found[0] = replace(sent.finding, well=taken.well, words=words)
    return found


def failed_unit(name: str) -> Finding:
    """That a unit has failed, as systemd says it to a unit of OnFailure= (systemd.exec(5), version 251)."""
    result, code = os.environ.get("MONITOR_SERVICE_RESULT", ""), os.environ.get("MONITOR_EXIT_STATUS", "")
    why = f" ({result}{', ' if code else ''}{code})" if result else ""
    return Finding(f"{name}.service", False, f"it has failed{why}")


def _tell(switch: Switch, found: list[Finding], given: argparse.Namespace) -> int:
    """Tell the switch and the state what was found. Returns the exit code."""
    path: Path = given.state
    well, why = findings.is_well(found), findings.reason(found)
    request = switch.ping(findings.report(found), well=well)
    patience = ping.Patience(given.seconds, given.tries, given.pause)
    error = ping.send(request, patience) if request else ""
    now, before = time.time(), state.load(path)
    taken = request is not None and not error
    after = state.State(
        at=now,
        well=well,
        reason=why,
        pinged=now if taken else before.pinged,
        pinged_well=now if taken and well else before.pinged_well,
        ping_error=error,
    )
    try:
        state.save(path, after)
    except OSError as problem:
        print(f"{PROGRAM}: {path} cannot be written: {problem.strerror}", file=sys.stderr)
    told = f"the switch was not told: {error}" if error else "the switch was told"
    if request is None:
        told = "the switch gets no ping, which is its alarm"
    print(f"{PROGRAM}: {why}; {told}", file=sys.stdout if well and taken else sys.stderr)
    return 0 if well and taken else 1


def _switch(path: Path | None) -> Switch:
    """The switch in the file. By default it is the credential that systemd hands over. Raises OSError or
    ValueError.
    """
    if path is None:
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise ValueError("name its file with --address, or run this as its unit does")
        path = Path(folder, CREDENTIAL)
    return parse_switch(path.read_text())


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Send this host a test message through its port 25, and tell a dead-man's switch that "
        "all is well, or what is not.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--address",
        type=Path,
        metavar="FILE",
        help=f"holds the address of the switch (default: $CREDENTIALS_DIRECTORY/{CREDENTIAL})",
    )
    parser.add_argument("--state", type=Path, required=True, metavar="FILE", help="keeps the last outcome")
    parser.add_argument(
        "--failed", default="", metavar="UNIT", help="look at nothing: tell that this unit has failed"
    )
    parser.add_argument(
        "--look", type=Path, default=LOOK, metavar="PATH", help="of heartbeat-look (default: %(default)s)"
    )
    parser.add_argument(
        "--place",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="where the test message goes; may be given several times (default: the addresses of this host)",
    )
    for name, default, what in (
        ("--seconds", ping.PATIENCE.seconds, "for one try to tell the switch"),
        ("--pause", ping.PATIENCE.pause, "between two tries"),
    ):
        parser.add_argument(
            name, type=float, default=default, metavar="SECONDS", help=f"{what} (default: %(default)g)"
        )
    parser.add_argument(
        "--tries", type=int, default=ping.PATIENCE.tries, metavar="NUMBER", help="(default: %(default)s)"
    )
    parser.add_argument("--port", type=int, default=25, metavar="PORT", help="(default: %(default)s)")
    return parser.parse_args(argv)
