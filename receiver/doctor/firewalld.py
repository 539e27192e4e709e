"""Asking firewalld over D-Bus with busctl(1), because a call of firewall-cmd(1) takes forty times as long.

https://firewalld.org/documentation/man-pages/firewalld.dbus.html
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from receiver.doctor.admission import Settings

_NAME = "org.fedoraproject.FirewallD1"
_PATH = "/org/fedoraproject/FirewallD1"
_SECONDS = 20
ERRORS = (OSError, subprocess.SubprocessError, ValueError, LookupError)
"""What the functions here raise if firewalld gives no answer, or one that cannot be read."""


def runs() -> bool:
    done = subprocess.run(
        ["systemctl", "is-active", "firewalld"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() == "active"


def starts_at_boot() -> bool:
    done = subprocess.run(
        ["systemctl", "is-enabled", "firewalld"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() == "enabled"


def offline(*options: str) -> tuple[int, str]:
    """The exit code and the answer of firewall-offline-cmd(1), which needs no running firewalld.

    Raises one of ERRORS.
    """
    done = subprocess.run(
        ["firewall-offline-cmd", *options],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode not in (0, 1):  # 1: what is queried is not so
        raise LookupError((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    return done.returncode, done.stdout.strip()


def zones_with_a_route() -> list[str]:
    """The zones of the interfaces with a default route, or else the default zone."""
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


def zones_of_sources() -> dict[str, list[str]]:
    """The zones that addresses are bound to, each with these networks (as firewalld writes them)."""
    active: Mapping[str, Mapping[str, list[str]]] = _call(_PATH, f"{_NAME}.zone", "getActiveZones")
    return {zone: list(bound["sources"]) for zone, bound in active.items() if bound.get("sources")}


def zone(name: str, *, permanent: bool = False) -> Settings:
    """The settings of a zone."""
    if permanent:
        path = str(_call(f"{_PATH}/config", f"{_NAME}.config", "getZoneByName", name))
        return _settings(_call(path, f"{_NAME}.config.zone", "getSettings2"))
    return _settings(_call(_PATH, f"{_NAME}.zone", "getZoneSettings2", name))


def policies() -> dict[str, Settings]:
    """The policies and their settings, now. A firewalld before 0.9 has none."""
    try:
        names = _call(_PATH, f"{_NAME}.policy", "getPolicies")
    except LookupError:
        return {}
    return {
        name: _settings(_call(_PATH, f"{_NAME}.policy", "getPolicySettings", str(name))) for name in names
    }


def permanent_policies() -> dict[str, Settings]:
    """The policies and their settings, after a restart."""
    try:
        names = _call(f"{_PATH}/config", f"{_NAME}.config", "getPolicyNames")
    except LookupError:
        return {}
    found = {}
    for name in names:
        path = str(_call(f"{_PATH}/config", f"{_NAME}.config", "getPolicyByName", str(name)))
        found[str(name)] = _settings(_call(path, f"{_NAME}.config.policy", "getSettings"))
    return found


def direct_rules(*, permanent: bool = False) -> list[tuple[str, str, str, int, tuple[str, ...]]]:
    """The direct rules: family (ipv4, ipv6 or eb), table, chain, priority, arguments of iptables(8)."""
    if permanent:
        rules = _call(f"{_PATH}/config", f"{_NAME}.config.direct", "getSettings")[2]
    else:
        rules = _call(_PATH, f"{_NAME}.direct", "getAllRules")
    return [(family, table, chain, priority, tuple(words)) for family, table, chain, priority, words in rules]


def _settings(value: Mapping[str, Mapping[str, Any]]) -> Settings:
    """The settings of a zone or a policy from a D-Bus dictionary, whose values come with their types."""
    plain = {key: item["data"] for key, item in value.items()}
    ports = list(plain.get("ports", ()))
    for service in plain.get("services", ()):
        ports += _service_ports(str(service))
    return Settings(
        target=str(plain.get("target", "default")),
        ports=tuple((str(port), str(protocol)) for port, protocol in ports),
        has_smtp="smtp" in plain.get("services", ()),
        rich_rules=tuple(map(str, plain.get("rules_str", plain.get("rich_rules", ())))),
        forwards=tuple(tuple(map(str, each)) for each in plain.get("forward_ports", ())),
        ingress=tuple(map(str, plain.get("ingress_zones", ()))),
        egress=tuple(map(str, plain.get("egress_zones", ()))),
        priority=int(plain.get("priority", 0)),
    )


_known_ports: dict[str, list[tuple[str, str]]] = {}


def _service_ports(name: str) -> list[tuple[str, str]]:
    """The ports of a service of firewalld, each as port and protocol. Empty if it is not known."""
    if name not in _known_ports:
        try:
            ports = _call(_PATH, _NAME, "getServiceSettings2", name).get("ports", {"data": []})["data"]
        except LookupError:
            ports = []
        _known_ports[name] = [(str(port), str(protocol)) for port, protocol in ports]
    return _known_ports[name]


def smtp_is_25() -> bool:
    """Whether firewalld's service smtp means 25/tcp."""
    return ("25", "tcp") in _service_ports("smtp")


def _call(path: str, interface: str, method: str, *arguments: str) -> Any:
    """Call a method of firewalld with strings, and return its result. Raises LookupError."""
    signature = ["s" * len(arguments), *arguments] if arguments else []
    done = subprocess.run(
        ["busctl", "--json=short", "call", _NAME, path, interface, method, *signature],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise LookupError((done.stderr.strip().splitlines() or [f"busctl: {done.returncode}"])[-1])
    return json.loads(done.stdout)["data"][0]
