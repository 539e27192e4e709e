"""A service of ours that a timer starts: what of it is there, read from what the probe printed.

The service is the first file that the deploy writes, and the last one that it removes. So a host without that
file has nothing of it, and costs no process to ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provision.host import layout


@dataclass(frozen=True, slots=True)
class TimedService:
    """What is there. A value is empty if the host lacks the thing. Digests are SHA-256 in hexadecimal."""

    service: str = ""
    timer: str = ""
    """The digests of the two unit files."""
    runs: bool = False
    """Whether the timer is enabled and active."""
    needs_reload: bool = False


def probe(service: str, timer: str) -> str:
    """The shell that prints what there is of these two units."""
    files = f"{layout.UNIT_FOLDER}/{service} {layout.UNIT_FOLDER}/{timer}"
    return f"""\
[ -f {layout.UNIT_FOLDER}/{service} ] && {{
  sha256sum {files} | while read -r sum path; do echo ${{path##*.}} $sum; done
  echo enabled $(systemctl is-enabled {timer})
  echo active $(systemctl is-active {timer})
  echo reload $(systemctl show -p NeedDaemonReload --value {service} {timer})
}}"""


def parse_timed_service(lines: Iterable[str]) -> TimedService | None:
    """What the probe printed. None if the host has nothing of it."""
    said = {name: rest for name, _, rest in (line.strip().partition(" ") for line in lines)}
    if not said:
        return None
    return TimedService(
        service=said.get("service", ""),
        timer=said.get("timer", ""),
        runs=(said.get("enabled"), said.get("active")) == ("enabled", "active"),
        needs_reload="yes" in said.get("reload", ""),
    )
