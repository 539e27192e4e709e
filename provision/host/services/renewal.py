"""The unit that renews a host's certificate: what of it is there, read from what the probe printed.

Its service is the first file that the deploy writes, and the last one that it removes. So a host without that
file has nothing of it, and costs no process to ask.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from provision.host import layout

_SERVICE = f"{layout.UNIT_FOLDER}/{layout.CERTIFICATE_SERVICE}"
_TIMER = f"{layout.UNIT_FOLDER}/{layout.CERTIFICATE_TIMER}"
_UNITS = f"{layout.CERTIFICATE_SERVICE} {layout.CERTIFICATE_TIMER}"
_CURRENT = f"{layout.RENEWAL_PROGRAM}/current"

PROBE = f"""\
[ -f {_SERVICE} ] && {{
  echo user $(id -u {layout.CERTIFICATE_USER})
  sha256sum {_SERVICE} {_TIMER} | while read -r sum path; do echo ${{path##*.}} $sum; done
  echo program $(readlink {_CURRENT})
  (cd {_CURRENT}/ && sha256sum --status -c manifest && echo whole yes)
  [ -s {layout.CERTIFICATE_TOKEN} ] && echo rights $(stat -c '%U:%G:%a' {layout.CERTIFICATE_TOKEN})
  echo token $(cat {layout.CERTIFICATE_TOKEN}.sha256)
  echo enabled $(systemctl is-enabled {layout.CERTIFICATE_TIMER})
  echo active $(systemctl is-active {layout.CERTIFICATE_TIMER})
  echo reload $(systemctl show -p NeedDaemonReload --value {_UNITS})
  echo link $(readlink {layout.KEY_IN_USE}/certificate.pem)
  echo state $(head -c 8192 {layout.CERTIFICATE_STATE}/state.json)
}}"""


@dataclass(frozen=True, slots=True)
class Renewal:
    """What is there. A value is empty if the host lacks the thing. Digests are SHA-256 in hexadecimal."""

    has_user: bool = False
    service: str = ""
    timer: str = ""
    """The digests of the two unit files."""
    program: str = ""
    """The release that `current` points to, if it is whole."""
    token: str = ""
    """The digest of the token, if its encrypted file is there and root's alone."""
    runs: bool = False
    """Whether the timer is enabled and active."""
    needs_reload: bool = False
    link: str = ""
    """Where the certificate of the key in use points."""
    state: Mapping[str, object] = field(default_factory=dict)
    """The last outcome, as `services/renewal/state.py` writes it."""


def parse_renewal(lines: Iterable[str]) -> Renewal | None:
    """What the probe printed. None if the host has nothing of it."""
    said = {name: rest for name, _, rest in (line.strip().partition(" ") for line in lines)}
    if not said:
        return None
    try:
        state = json.loads(said.get("state", ""))
    except ValueError:
        state = {}
    return Renewal(
        has_user=bool(said.get("user")),
        service=said.get("service", ""),
        timer=said.get("timer", ""),
        program=said.get("program", "") if said.get("whole") else "",
        token=said.get("token", "") if said.get("rights") == "root:root:600" else "",
        runs=(said.get("enabled"), said.get("active")) == ("enabled", "active"),
        needs_reload="yes" in said.get("reload", ""),
        link=said.get("link", ""),
        state=state if isinstance(state, dict) else {},
    )
