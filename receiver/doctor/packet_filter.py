"""Whether a rule outside firewalld drops, rejects or leads away 25/tcp (nft(8), libnftables-json(5)).

A rule is judged only if everything that it matches is known here. What is not known refuses nothing, because
the doctor of the control machine also sees whether a packet that has arrived is answered.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receiver.doctor.links import Link

_LINK = "packet filter"
_PORT = 25
_HOOKS = ("ingress", "prerouting", "input")
_CONFIGURATION = ("etc/nftables.conf", "etc/sysconfig/nftables.conf", "etc/nftables", "etc/nftables.d")
_DENYING = ("drop", "reject", "dnat", "redirect", "tproxy")
_PASSING = ("accept", "return", "continue")

Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusing:
    """What refuses: a rule of a table, or the policy of a chain, and the command that removes it."""

    table: str
    what: str
    fix: str


def check_packet_filter(peers: Collection[str] = ()) -> Link:
    """No rule of another program than firewalld takes 25/tcp away, from everybody or from one of `peers`."""
    try:
        done = subprocess.run(
            ["nft", "-j", "list", "ruleset"], capture_output=True, text=True, timeout=20, check=False
        )
        found = json.loads(done.stdout)["nftables"]
    except FileNotFoundError:
        return Link(_LINK, "nft is not installed, so the rules cannot be seen", look="install nftables")
    except (OSError, subprocess.SubprocessError, ValueError, LookupError):
        return Link(_LINK, "nft does not list the rules", look="nft list ruleset")
    refusing = first_refusing(found, peers)
    if refusing is None:
        return Link(_LINK, "no rule outside firewalld takes 25/tcp away")
    files = loading(refusing.table.rpartition(" ")[2])
    after = f"  # and remove it from {', '.join(files)}" if files else ""
    return Link(_LINK, refusing.what, refusing.fix + after)


def first_refusing(ruleset: Collection[Mapping[str, Any]], peers: Collection[str]) -> Refusing | None:
    """The first rule or policy in the JSON of nft that takes 25/tcp away. firewalld's table is not judged."""
    items = [(kind, item) for each in ruleset for kind, item in each.items()]
    rules: dict[tuple[str, str, str], list[Rule]] = {}
    for kind, item in items:
        if kind == "rule":
            rules.setdefault((item["family"], item["table"], item["chain"]), []).append(item)
    for kind, chain in items:
        if kind != "chain" or chain.get("hook") not in _HOOKS or chain["table"] == "firewalld":
            continue
        place = (chain["family"], chain["table"], chain["name"])
        verdict, rule = _walk(place, rules, peers, 0)
        table = f"{chain['family']} {chain['table']}"
        if verdict in _DENYING and rule is not None:
            text = f"rule {rule['handle']} of table {table}, chain {rule['chain']}"
            fix = f"nft delete rule {table} {rule['chain']} handle {rule['handle']}"
            return Refusing(table, f"{text}: it says {verdict} to 25/tcp", fix)
        if verdict == "" and chain.get("policy") == "drop":
            what = f"table {table}, chain {chain['name']}: its policy is drop, and no rule accepts 25/tcp"
            return Refusing(table, what, f"nft insert rule {table} {chain['name']} tcp dport 25 accept")
    return None


def _walk(
    place: tuple[str, str, str], rules: Mapping[Any, list[Rule]], peers: Collection[str], depth: int
) -> tuple[str, Rule | None]:
    """The verdict of a chain on a first packet to port 25, and the rule that gives it.

    Empty if no rule gives one; "unknown" if it depends on what is not known here.
    """
    unsure = False
    for rule in rules.get(place, ()):
        matches: bool | None = True
        for statement in rule.get("expr", ()):
            if "match" in statement:
                one = _matches(statement["match"], peers)
                if one is False:
                    matches = False
                    break
                matches = None if one is None else matches
                continue
            verdict = next((word for word in (*_DENYING, *_PASSING) if word in statement), "")
            jump = statement.get("jump") or statement.get("goto")
            if jump and depth < 16:
                verdict, inner = _walk((*place[:2], jump["target"]), rules, peers, depth + 1)
                if verdict not in ("", "return") and matches:
                    return verdict, inner
                unsure = unsure or (verdict not in ("", "return"))
            elif verdict and matches and verdict != "continue":
                return verdict, rule
            elif verdict or not set(statement) <= {"counter", "log", "comment", "mangle", "limit"}:
                unsure = unsure or verdict != "continue"
            if "limit" in statement:
                matches = None
    return ("unknown" if unsure else ""), None


def _matches(match: Mapping[str, Any], peers: Collection[str]) -> bool | None:
    """Whether a first packet to port 25 from a sender matches. None if that is not known."""
    left, right = match["left"], match["right"]
    value: Any = None
    if isinstance(left, dict) and (field := left.get("payload")):
        name = (field.get("protocol"), field.get("field"))
        if name[0] in ("icmp", "icmpv6", "arp", "udp"):
            value = False
        elif name in (("tcp", "dport"), ("th", "dport")):
            value = _among(_PORT, right)
        elif name in (("ip", "protocol"), ("ip6", "nexthdr")):
            value = _among("tcp", right)
        elif name in (("ip", "saddr"), ("ip6", "saddr")):
            value = _source_matches(right, peers)
    elif isinstance(left, dict) and (meta := left.get("meta")):
        if meta.get("key") == "l4proto":
            value = _among("tcp", right)
        elif meta.get("key") in ("iifname", "iif"):
            value = False if right == "lo" else None
            if isinstance(right, str) and right != "lo" and Path("/sys/class/net", right).exists():
                value = True
    elif isinstance(left, dict) and left.get("ct", {}).get("key") == "state":
        value = _among("new", right)
    if value is None:
        return None
    return value if match["op"] in ("==", "in") else not value if match["op"] == "!=" else None


def _among(value: int | str, right: Any) -> bool | None:
    """Whether the right side of a match is this value or contains it. None if that is not known."""
    if isinstance(right, str) and right.startswith("@"):
        return None
    if isinstance(right, dict):
        if "set" in right:
            found = [_among(value, each) for each in right["set"]]
            return True if True in found else None if None in found else False
        if "range" in right and isinstance(value, int):
            first, last = right["range"]
            return bool(int(first) <= value <= int(last))
        return None
    if isinstance(right, list):
        return value in right
    return bool(right in (value, str(value)) or (value == "tcp" and right in (6, "6")))


def _source_matches(right: Any, peers: Collection[str]) -> bool | None:
    if not peers:
        return None
    if isinstance(right, dict) and "set" in right:
        found = [_source_matches(each, peers) for each in right["set"]]
        return True if True in found else None if None in found else False
    try:
        if isinstance(right, dict) and "prefix" in right:
            right = f"{right['prefix']['addr']}/{right['prefix']['len']}"
        network = ipaddress.ip_network(right)
        return any(ipaddress.ip_address(peer) in network for peer in peers)
    except (ValueError, LookupError):
        return None


def loading(table: str, root: Path = Path("/")) -> list[str]:
    """The files of nftables' own configuration that name the table, so that it comes back after a restart."""
    files = [file for place in _CONFIGURATION for file in ((root / place), *(root / place).glob("*.nft"))]
    return [
        f"/{file.relative_to(root)}"
        for file in files
        if file.is_file() and table in file.read_text(errors="replace").split()
    ]
