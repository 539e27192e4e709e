"""Real nameservers on loopback, each on a port of its own: NSD, Knot DNS and BIND, if installed.

Each is started on a folder of zone files and ended by its process id. None of them needs root.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dns.world import asking

SECONDS = 20.0


def _nsd(folder: Path, addresses: Sequence[str], port: int, zones: Mapping[str, Path]) -> list[str]:
    lines = [
        "server:",
        *(f"  ip-address: {address}@{port}" for address in addresses),
        '  username: ""',
        f'  zonesdir: "{folder}"',
        f'  pidfile: "{folder}/nsd.pid"',
        f'  xfrdfile: "{folder}/xfrd.state"',
        f'  xfrdir: "{folder}"',
        f'  zonelistfile: "{folder}/zone.list"',
        '  database: ""',
        "  server-count: 1",
        "  minimal-responses: no",
        "remote-control:",
        "  control-enable: no",
    ]
    for name, path in zones.items():
        lines += ["zone:", f'  name: "{name}"', f'  zonefile: "{path}"']
    (folder / "nsd.conf").write_text("\n".join(lines) + "\n")
    return ["nsd", "-d", "-c", str(folder / "nsd.conf")]


def _knotd(folder: Path, addresses: Sequence[str], port: int, zones: Mapping[str, Path]) -> list[str]:
    lines = [
        "server:",
        f"  rundir: {folder}",
        f"  listen: [ {', '.join(f'{address}@{port}' for address in addresses)} ]",
        "  udp-workers: 1",
        "  tcp-workers: 1",
        "database:",
        f"  storage: {folder}",
        "template:",
        "  - id: default",
        f"    storage: {folder}",
        "    zonefile-sync: -1",
        "    zonefile-load: whole",
        "    journal-content: none",
        "zone:",
    ]
    for name, path in zones.items():
        lines += [f"  - domain: {name}", f"    file: {path}"]
    (folder / "knot.conf").write_text("\n".join(lines) + "\n")
    return ["knotd", "-m", "8", "-c", str(folder / "knot.conf")]


def _named(folder: Path, addresses: Sequence[str], port: int, zones: Mapping[str, Path]) -> list[str]:
    four = [address for address in addresses if ":" not in address]
    six = [address for address in addresses if ":" in address]
    lines = [
        "options {",
        f'  directory "{folder}"; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session.key";',
        f"  listen-on port {port} {{ {''.join(f'{address}; ' for address in four)}}};",
        f"  listen-on-v6 port {port} {{ {''.join(f'{address}; ' for address in six) or 'none; '}}};",
        "  recursion no; dnssec-validation no; allow-transfer { none; }; notify no;",
        "};",
        "controls { };",
    ]
    lines += [f'zone "{name}" {{ type primary; file "{path}"; }};' for name, path in zones.items()]
    (folder / "named.conf").write_text("\n".join(lines) + "\n")
    return ["named", "-f", "-n", "1", "-c", str(folder / "named.conf")]


COMMANDS: dict[str, Callable[[Path, Sequence[str], int, Mapping[str, Path]], list[str]]] = {
    "nsd": _nsd,
    "knotd": _knotd,
    "named": _named,
}


def is_installed(program: str) -> bool:
    """Whether the program is there, even if only root's PATH has it."""
    return path(program) is not None


def path(program: str) -> str | None:
    """Where the program is, or None."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


@contextmanager
def running(
    program: str, folder: Path, zones: Mapping[str, str], addresses: Sequence[str], port: int = 0
) -> Iterator[int]:
    """Run the program with these zones, by name, until the block ends. Gives its port when it answers.

    A zone with an empty text gets no file, so that the server is configured for it and cannot answer. A
    `port` of 0 is any free port.
    """
    files: dict[str, Path] = {}
    for name, text in zones.items():
        files[name] = folder / f"{name.strip('.') or 'root'}.zone"
        if text:
            files[name].write_text(f"$ORIGIN {name.rstrip('.')}.\n{text}")
    held = next(name for name, text in zones.items() if text)
    for number in [port] if port else random.sample(range(10000, 30000), 5):
        process = _started(program, folder, addresses, number, files)
        try:
            if _answers(process, addresses, number, held):
                yield number
                return
        finally:
            process.terminate()
            process.wait(SECONDS)
    raise RuntimeError(f"{program} does not answer: {(folder / 'log').read_text()}")


def _started(
    program: str, folder: Path, addresses: Sequence[str], port: int, files: Mapping[str, Path]
) -> subprocess.Popen[bytes]:
    command = COMMANDS[program](folder, addresses, port, files)
    with (folder / "log").open("wb") as log:
        return subprocess.Popen([str(path(program)), *command[1:]], stdout=log, stderr=log)


def _answers(process: subprocess.Popen[bytes], addresses: Sequence[str], port: int, zone: str) -> bool:
    """Wait until it answers at all addresses. It never does if another program has its port."""
    ends = time.monotonic() + SECONDS
    for address in addresses:
        while asking.ask(address, zone, "SOA", port=port, seconds=0.2).failure():
            if process.poll() is not None or time.monotonic() > ends:
                return False
    return process.poll() is None
