"""Whether firewalld lets 25/tcp in, in the zones that mail arrives in, now and after a restart.

Asked over D-Bus with busctl: a `firewall-cmd` costs forty times as much.
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
NAME = "firewall zone"


def zone(named: Sequence[str]) -> Link:
    """The zones that are named, else those of the interfaces with a default route, else the default zone."""
    active = subprocess.run(
        ["systemctl", "is-active", "firewalld"], capture_output=True, text=True, check=False
    )
    if active.stdout.strip() != "active":
        return Link(NAME, "firewalld does not run, and closes nothing")
    try:
        zones = list(named) or _zones_with_a_route()
        for name in zones:
            for when, settings in (("", _now(name)), ("--permanent ", _permanent(name))):
                if not _admits(settings):
                    return _closed(name, when)
    except (OSError, subprocess.SubprocessError, ValueError, LookupError) as error:
        return Link(NAME, f"firewalld does not answer: {error}", "systemctl restart firewalld")
    return Link(NAME, f"25/tcp is open in {', '.join(zones)}")


def _closed(name: str, when: str) -> Link:
    what = "--add-service=smtp" if _SMTP in _service_ports() else "--add-port=25/tcp"
    if when:
        evidence = f"25/tcp is open in {name} now, and closed again after a restart"
        return Link(NAME, evidence, f"firewall-cmd --permanent --zone={name} {what}")
    return Link(
        NAME,
        f"25/tcp is closed in {name}",
        f"firewall-cmd --zone={name} {what} && firewall-cmd --permanent --zone={name} {what}",
    )


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


def _now(name: str) -> dict[str, Any]:
    return _unwrapped(_call(_PATH, f"{_NAME}.zone", "getZoneSettings2", name))


def _permanent(name: str) -> dict[str, Any]:
    path = str(_call(f"{_PATH}/config", f"{_NAME}.config", "getZoneByName", name))
    return _unwrapped(_call(path, f"{_NAME}.config.zone", "getSettings2"))


def _service_ports() -> list[list[str]]:
    ports = _unwrapped(_call(_PATH, _NAME, "getServiceSettings2", "smtp")).get("ports", [])
    return [list(port) for port in ports]


def _admits(settings: dict[str, Any]) -> bool:
    ports = [list(port) for port in settings.get("ports", ())]
    by_service = "smtp" in settings.get("services", ()) and _SMTP in _service_ports()
    return by_service or _SMTP in ports or settings.get("target") == "ACCEPT"


def _call(path: str, interface: str, method: str, *arguments: str) -> Any:
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


def _unwrapped(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item["data"] for key, item in value.items()}
