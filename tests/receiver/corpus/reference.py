"""The readings of mailparser and postal-mime, from a run with node or recorded for the sample."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.receiver.corpus.compare import Reading

SAMPLE = Path(__file__).with_name("sample")
RECORDED = SAMPLE / "reference.json"
_SCRIPT = Path(__file__).with_name("reference.js")


def run(mails: Iterable[tuple[str, bytes]], node_modules: Path) -> dict[str, dict[str, Any]]:
    """The output of each program for each mail, by the name of the mail. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        names = {}
        for number, (name, octets) in enumerate(mails):
            path = Path(folder, str(number))
            path.write_bytes(octets)
            names[str(path)] = name
        done = subprocess.run(
            ["node", str(_SCRIPT)],
            input="\n".join(names),
            env={**os.environ, "NODE_PATH": str(node_modules)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    return {names[each.pop("path")]: each for each in said}


def readings(said: Mapping[str, Any]) -> list[Reading]:
    """The readings of one mail by the programs that could read it."""
    return [Reading.from_reference(each) for each in said.values() if "error" not in each]


def sample() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(SAMPLE.glob("*.eml"))}


def record(node_modules: Path) -> None:
    """Record the outputs of the programs for the sample, in its folder."""
    said = run(sample().items(), node_modules)
    RECORDED.write_text(json.dumps(said, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
