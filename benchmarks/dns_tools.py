"""`dns.sync`, octoDNS and lexicon side by side, with the stand-in for Cloudflare: `make bench-dns`.

Each tool makes the MX, A and AAAA of one mail host in a zone that has three records of somebody else. Then it
runs again with nothing to do. The tools take turns in several rounds. The table has the requests and the
seconds of whole processes, and what each tool did to the records of somebody else. The other two tools are
installed once, into an environment of their own in the cache folder.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import environments
from benchmarks.environments import ROOT
from tests.lab.cloudflare import StandIn

PACKAGES = ("octodns==1.22.0", "octodns-cloudflare==1.2.0", "dns-lexicon==3.25.2")
TOKEN = "bench-token-0123456789"
ZONE = "example.test"
WANTED = (("MX", ZONE, "mx1.example.test"), ("A", "mx1.example.test", "198.18.0.25"))
WANTED = (*WANTED, ("AAAA", "mx1.example.test", "fd00::25"))
FOREIGN = (
    {"type": "TXT", "name": "@", "content": "verification=1", "comment": "Bob's"},
    {"type": "A", "name": "www", "content": "192.0.2.80", "proxied": True},
    {"type": "MX", "name": "lists", "content": "mx.lists.test", "priority": 1},
)

# From a folder of its own, the endpoint and the zone's identifier to command lines and their environment.
Commands = Callable[[Path, str, str], list[tuple[list[str], dict[str, str]]]]


@dataclass
class Tool:
    """A tool: its commands and its measurements."""

    name: str
    commands: Commands
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"first": [], "again": []})
    requests: dict[str, set[int]] = field(default_factory=lambda: {"first": set(), "again": set()})
    foreign: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)


def ours(folder: Path, base_url: str, zone_id: str) -> list[tuple[list[str], dict[str, str]]]:
    """`python -m dns.sync`."""
    inventory = folder / "inventory.py"
    host = {"public_ipv4": "198.18.0.25", "public_ipv6": "fd00::25", "allow_private_address": True}
    domains = {ZONE: {"mailboxes": ["alice"]}}
    inventory.write_text(f"mail_hosts = ([('mx1.example.test', {host!r})], {{'domains': {domains!r}}})\n")
    environ = {
        "CLOUDFLARE_API_TOKEN": TOKEN,
        "CLOUDFLARE_BASE_URL": base_url,
        "XDG_STATE_HOME": str(folder),
    }
    python = str(environments.control() / "python")
    command = [python, "-m", "dns.sync", ZONE, "--inventory", str(inventory), "--wait", "0"]
    return [(command, environ)]


def octodns(binaries: Path) -> Commands:
    """octoDNS with its Cloudflare provider. Its configuration has only our records."""

    def commands(folder: Path, base_url: str, zone_id: str) -> list[tuple[list[str], dict[str, str]]]:
        (folder / "zones").mkdir()
        (folder / "zones" / f"{ZONE}.yaml").write_text(
            "? ''\n: type: MX\n  values:\n    - {exchange: mx1.example.test., preference: 10}\n"
            "mx1:\n  - {type: A, value: 198.18.0.25}\n  - {type: AAAA, value: 'fd00::25'}\n"
        )
        config = folder / "octodns.yaml"
        config.write_text(
            "providers:\n"
            f"  config: {{class: octodns.provider.yaml.YamlProvider, directory: {folder}/zones, "
            "default_ttl: 300}\n"
            f"  cloudflare: {{class: octodns_cloudflare.CloudflareProvider, token: {TOKEN}, "
            f"api_url: '{base_url}', pagerules: false}}\n"
            f"zones:\n  {ZONE}.:\n    sources: [config]\n    targets: [cloudflare]\n"
        )
        return [([str(binaries / "octodns-sync"), "--config-file", str(config), "--doit", "--quiet"], {})]

    return commands


# lexicon has the address of Cloudflare built in and looks up the zone in the DNS, so both are replaced.
LEXICON = """
import os, sys
import dns.name, dns.resolver
from lexicon._private.providers import cloudflare
dns.resolver.zone_for_name = dns.name.from_text
first = cloudflare.Provider.__init__
def second(self, *arguments):
    first(self, *arguments)
    self.api_endpoint = os.environ["ENDPOINT"]
cloudflare.Provider.__init__ = second
from lexicon._private.cli import main
sys.exit(main())
"""


def lexicon(binaries: Path) -> Commands:
    """lexicon, which changes one record for each call."""

    def commands(folder: Path, base_url: str, zone_id: str) -> list[tuple[list[str], dict[str, str]]]:
        script = folder / "with_endpoint.py"
        script.write_text(LEXICON)
        environ = {"ENDPOINT": base_url}
        common = [str(binaries / "python"), str(script), "cloudflare", "--auth-token", TOKEN]
        common += ["--zone-id", zone_id]
        return [
            (
                [*common, "create", ZONE, kind, "--name", name, "--content", content]
                + (["--priority", "10"] if kind == "MX" else []),
                environ,
            )
            for kind, name, content in WANTED
        ]

    return commands


def measure(tool: Tool) -> None:
    """Measure one round: a first run and a run with nothing to do, in a new zone."""
    with (
        tempfile.TemporaryDirectory() as folder,
        StandIn([ZONE], token=TOKEN, nameservers=("ns1.cloudflare.test",)) as cloudflare,
    ):
        cloudflare.add_token(TOKEN, listing=True)
        before = {record["id"]: record for record in cloudflare.seed(ZONE, *FOREIGN)}
        commands = tool.commands(Path(folder), cloudflare.base_url, cloudflare.zones[ZONE].id)
        for run in ("first", "again"):
            cloudflare.requests.clear()
            started = time.monotonic()
            for command, environ in commands:
                done = subprocess.run(
                    command, cwd=ROOT, env=environments.environ(**environ), capture_output=True, text=True
                )
                if done.returncode != 0:
                    raise SystemExit(f"{tool.name}: {done.stderr.strip()[-2000:] or done.stdout[-2000:]}")
            tool.seconds[run].append(time.monotonic() - started)
            tool.requests[run].add(len(cloudflare.requests))
        after = {record["id"]: record for record in cloudflare.records(ZONE)}
        there = {(record["type"], record["name"], record["content"]) for record in after.values()}
        tool.made.add(f"{sum(wanted in there for wanted in WANTED)} of {len(WANTED)}")
        tool.foreign.add(fate(before, after))


def fate(before: dict[str, Any], after: dict[str, Any]) -> str:
    """What happened to the records that existed before."""
    gone = [f"{record['type']} {record['name']}" for key, record in before.items() if key not in after]
    changed = [record["type"] for key, record in before.items() if key in after and after[key] != record]
    told = [f"deleted {', '.join(gone)}"] if gone else []
    told += [f"changed {', '.join(changed)}"] if changed else []
    return "; ".join(told) or "untouched"


def table(tools: Sequence[Tool]) -> str:
    """The measurements as a Markdown table."""
    lines = [
        "| tool | requests, first run / nothing to do | seconds, first run | seconds, nothing to do "
        "| its records made | the others' records |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for tool in tools:
        counts = " / ".join("-".join(map(str, sorted(tool.requests[run]))) for run in ("first", "again"))
        times = " | ".join(
            f"{statistics.median(s):.2f} ({min(s):.2f}-{max(s):.2f})" for s in tool.seconds.values()
        )
        lines.append(
            f"| {tool.name} | {counts} | {times} | {'; '.join(tool.made)} | {'; '.join(tool.foreign)} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run all rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each tool is run (default: 7)")
    rounds = parser.parse_args().rounds
    binaries = environments.peer(*PACKAGES)
    tools = [
        Tool("dns.sync", ours),
        Tool("octoDNS " + PACKAGES[0].rpartition("=")[2], octodns(binaries)),
        Tool("lexicon " + PACKAGES[2].rpartition("=")[2], lexicon(binaries)),
    ]
    for number in range(rounds):
        print(f"\rround {number + 1} of {rounds}", end="", file=sys.stderr, flush=True)
        for tool in tools:
            measure(tool)
    print("\r", end="", file=sys.stderr)
    print(f"Medians of {rounds} alternated rounds (least-most), whole processes:\n")
    print(table(tools))


if __name__ == "__main__":
    main()
