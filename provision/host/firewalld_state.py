"""The state of firewalld: which interface is in which of its zones, and what each zone lets in.

It is read over D-Bus, because one `firewall-cmd` takes 0.35 s and the same question through `busctl` 0.01 s.
https://firewalld.org/documentation/man-pages/firewalld.dbus.html
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_BUS = "busctl --json=short call org.fedoraproject.FirewallD1"
FILES = "/etc/firewalld/zones"
"""Where firewalld keeps the zones that somebody has changed permanently."""
_ROOT = "org.fedoraproject.FirewallD1"


def probe(named: Iterable[str] = ()) -> str:
    """The shell script whose answer `parse_firewalld` reads. Each line of the answer is `name TAB json`.

    Only the zones that can matter are read (active, default, named, or with smtp in their file), because each
    costs three calls. The daemon is asked only if it runs, because a call over D-Bus would start it.
    """
    more = " ".join(shlex.quote(zone) for zone in named)
    return f"""\
echo "installed	$(command -v firewall-cmd)"
changed=$(grep -lE '"(smtp|25)"' {FILES}/*.xml | sed 's|.*/||; s|[.]xml$||')
for i in $(seq 100); do  # while it starts or reloads, its state is about to change
  state=$(systemctl show -p ActiveState -p UnitFileState firewalld)
  case $state in *ActiveState=*ing*) sleep 0.1;; *) break;; esac
done
echo "active	$(printf '%s\\n' "$state" | sed -n 's/^ActiveState=//p')"
echo "enabled	$(printf '%s\\n' "$state" | sed -n 's/^UnitFileState=//p')"
if [ "${{state#*ActiveState=active}}" != "$state" ]; then
  d=/org/fedoraproject/FirewallD1
  for i in $(seq 100); do  # just after its start it answers, and does not know its zones yet
    busctl get-property {_ROOT} $d {_ROOT} state | grep -q RUNNING && break; sleep 0.1
  done
  default=$(busctl call {_ROOT} $d {_ROOT} getDefaultZone | cut -d'"' -f2)
  active=$({_BUS} $d {_ROOT}.zone getActiveZones)
  names=$(printf '%s\\n' "$active" | grep -o '"[^"]*":{{' | cut -d'"' -f2)
  echo "default	$default"
  echo "known	$({_BUS} $d {_ROOT}.zone getZones)"
  echo "active zones	$active"
  echo "smtp	$({_BUS} $d {_ROOT} getServiceSettings2 s smtp)"
  for z in $(printf '%s\\n' $default $names $changed {more} | sort -u); do
    echo "runtime $z	$({_BUS} $d {_ROOT}.zone getZoneSettings2 s $z)"
    p=$(busctl call {_ROOT} $d/config {_ROOT}.config getZoneByName s $z | cut -d'"' -f2)
    echo "permanent $z	$({_BUS} $p {_ROOT}.config.zone getSettings2)"
  done
elif [ "${{state#*UnitFileState=enabled}}" != "$state" ]; then
  default=$(firewall-offline-cmd --get-default-zone)
  echo "default	$default"
  echo "known	$(firewall-offline-cmd --get-zones)"
  echo "smtp	$(firewall-offline-cmd --service=smtp --get-ports)"
  for z in $(printf '%s\\n' $default $changed {more} | sort -u); do
    services=$(firewall-offline-cmd --zone=$z --list-services)
    echo "offline $z	$services	$(firewall-offline-cmd --zone=$z --list-ports)"
  done
fi"""


@dataclass(frozen=True, slots=True)
class Zone:
    """What one zone lets in, either at run time or permanently."""

    services: frozenset[str] = frozenset()
    ports: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Firewalld:
    """firewalld on one host. Its zones are known if the daemon runs, or will after the next boot."""

    installed: bool = False
    running: bool = False
    enabled: bool = False
    masked: bool = False
    known_zones: frozenset[str] = frozenset()
    default_zone: str = ""
    zone_of_interface: Mapping[str, str] = field(default_factory=dict)
    smtp_ports: frozenset[tuple[str, str]] = frozenset()
    """The ports that the service `smtp` means on this host: (port, protocol)."""
    runtime: Mapping[str, Zone] = field(default_factory=dict)
    permanent: Mapping[str, Zone] = field(default_factory=dict)
    unread: str = ""
    """Why the state could not be read, and the fix; empty if it was read."""


def parse_firewalld(lines: Iterable[str]) -> Firewalld:
    """The answer to `probe` as a value."""
    answers = {name: text for name, _, text in (line.partition("\t") for line in lines)}
    if answers.get("active") != "active":
        return _offline(answers)
    active = _value(answers.get("active zones")) or {}
    runtime = _zones("runtime ", answers)
    known = frozenset(_value(answers.get("known")) or ())
    asked = {name.removeprefix("runtime ") for name in answers if name.startswith("runtime ")}
    complete = answers.get("default") in known and _value(answers.get("active zones")) is not None
    return Firewalld(
        installed=bool(answers.get("installed")),
        running=True,
        enabled=answers.get("enabled") == "enabled",
        known_zones=known,
        default_zone=answers.get("default", ""),
        zone_of_interface={name: zone for zone, of in active.items() for name in of.get("interfaces", ())},
        smtp_ports=_ports(_value(answers.get("smtp")) or {}),
        runtime=runtime,
        permanent=_zones("permanent ", answers),
        unread="" if complete and asked & known <= runtime.keys() else _SILENT,
    )


_SILENT = "firewalld runs, but does not tell its zones over D-Bus: see `firewall-cmd --list-all` on the host"
_OFFLINE = "firewalld's zones cannot be read: see `firewall-offline-cmd --list-all` on the host"


def _offline(answers: Mapping[str, str]) -> Firewalld:
    """What a stopped daemon will let in after the next boot; nothing if it will not start then."""
    permanent = {}
    for name, text in answers.items():
        if name.startswith("offline "):
            services, _, ports = text.partition("\t")
            permanent[name.removeprefix("offline ")] = Zone(frozenset(services.split()), _words(ports))
    # A unit that does not exist is `inactive`. No state at all, or one that does not settle, is no answer.
    state = answers.get("active", "")
    lost = answers.get("enabled") == "enabled" and not answers.get("default")
    unknown = lost or state.endswith("ing") or not state
    return Firewalld(
        installed=bool(answers.get("installed")),
        masked=answers.get("enabled") == "masked",
        enabled=answers.get("enabled") == "enabled",
        known_zones=frozenset(answers.get("known", "").split()),
        default_zone=answers.get("default", ""),
        smtp_ports=_words(answers.get("smtp", "")),
        permanent=permanent,
        unread=_OFFLINE if unknown else "",
    )


def _words(ports: str) -> frozenset[tuple[str, str]]:
    pairs = (word.partition("/") for word in ports.split())
    return frozenset((port, protocol) for port, _, protocol in pairs)


def _zones(prefix: str, answers: Mapping[str, str]) -> dict[str, Zone]:
    found = {
        name.removeprefix(prefix): _value(text) for name, text in answers.items() if name.startswith(prefix)
    }
    return {
        zone: Zone(frozenset(settings.get("services", ())), _ports(settings))
        for zone, settings in found.items()
        if settings
    }


def _value(text: str | None) -> Any:
    """The one value that busctl answered, its variants (`a{sv}`) unwrapped. None for anything else."""
    try:
        value = json.loads(text or "")["data"][0]
    except (ValueError, LookupError, TypeError):
        return None
    if isinstance(value, dict):
        return {
            k: v["data"] if isinstance(v, dict) and set(v) == {"type", "data"} else v
            for k, v in value.items()
        }
    return value


def _ports(settings: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((port, protocol) for port, protocol in settings.get("ports", ()))
