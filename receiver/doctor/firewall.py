"""Checks whether firewalld admits 25/tcp in the zones that mail arrives in, now and after a restart.

It asks over D-Bus with busctl(1), because a call of firewall-cmd(1) takes forty times as long.
https://firewalld.org/documentation/man-pages/firewalld.dbus.html
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from receiver.doctor.links import Link

_NAME = "org.fedoraproject.FirewallD1"
_PATH = "/org/fedoraproject/FirewallD1"
_SMTP = ["25", "tcp"]
_LINK = "firewall zone"


def check_zones(named: Sequence[str]) -> Link:
    """25/tcp is open in the named zones.

    If no zone is named, these are the zones of the interfaces with a default route, or else the default zone.
    """
    active = subprocess.run(
        ["systemctl", "is-active", "firewalld"], capture_output=True, text=True, check=False
    )
    if active.stdout.strip() != "active":
        return Link(_LINK, "firewalld does not run, so it closes nothing")
    try:
        zones = list(named) or _zones_with_a_route()
        for name in zones:
            if not _admits(_runtime_settings(name)):
                return _closed(name)
            if not _admits(_permanent_settings(name)):
                return _closed(name, only_permanently=True)
    except (OSError, subprocess.SubprocessError, ValueError, LookupError) as error:
        return Link(_LINK, f"firewalld does not answer: {error}", "systemctl restart firewalld")
    return Link(_LINK, f"25/tcp is open in {', '.join(zones)}")


def _closed(zone: str, *, only_permanently: bool = False) -> Link:
    option = "--add-service=smtp" if _SMTP in _service_ports() else "--add-port=25/tcp"
    permanently = f"firewall-cmd --permanent --zone={zone} {option}"
    if only_permanently:
        return Link(_LINK, f"25/tcp is open in {zone} now, but closed after a restart", permanently)
    return Link(_LINK, f"25/tcp is closed in {zone}", f"firewall-cmd --zone={zone} {option} && {permanently}")


def _zones_with_a_route() -> list[str]:
    interfaces: dict[str, None] = {}
    for family in ("-4", "-6"):
        done = subprocess.run(
            ["ip", family, "-json", "route", "show", "default"], capture_output=True, text=True, check=False
        )
        for route in json.loads(done.stdout or "[]"):
            interfaces[route.get("dev", "")] = None
    default = str(_call(_PATH, _NAME, "getDefaultZone"))
    found = [str(_call(_PATH, f"{_NAME}.zone", "getZoneOfInterface", name)) for name in interfaces if name]
    return list(dict.fromkeys(name or default for name in found)) or [default]


def _runtime_settings(zone: str) -> dict[str, Any]:
    return _unwrap(_call(_PATH, f"{_NAME}.zone", "getZoneSettings2", zone))


def _permanent_settings(zone: str) -> dict[str, Any]:
    path = str(_call(f"{_PATH}/config", f"{_NAME}.config", "getZoneByName", zone))
    return _unwrap(_call(path, f"{_NAME}.config.zone", "getSettings2"))


def _service_ports() -> list[list[str]]:
    """The ports of firewalld's service smtp, each as port and protocol."""
    ports = _unwrap(_call(_PATH, _NAME, "getServiceSettings2", "smtp")).get("ports", [])
    return [list(port) for port in ports]


def _admits(settings: dict[str, Any]) -> bool:
    """Whether a zone with these settings admits 25/tcp."""
    ports = [list(port) for port in settings.get("ports", ())]
    by_service = "smtp" in settings.get("services", ()) and _SMTP in _service_ports()
    return by_service or _SMTP in ports or settings.get("target") == "ACCEPT"


def _call(path: str, interface: str, method: str, *arguments: str) -> Any:
    """Call a method of firewalld with strings, and return its result. Raises LookupError."""
    signature = ["s" * len(arguments), *arguments] if arguments else []
    done = subprocess.run(
        ["busctl", "--json=short", "call", _NAME, path, interface, method, *signature],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    if done.returncode:
        raise LookupError((done.stderr.strip().splitlines() or [f"busctl: {done.returncode}"])[-1])
    return json.loads(done.stdout)["data"][0]


def _unwrap(value: dict[str, Any]) -> dict[str, Any]:
    """The values of a D-Bus dictionary without their types."""
    return {key: item["data"] for key, item in value.items()}
