"""The picture of README.md: a terminal of 80 columns, from a real run in the lab. `make picture` takes it.

The programs run as a user runs them, on a terminal (a pty), and what they print is drawn. Only two things are
left out, each with a line that says so: the steps in the middle of the deploy, and the QR code.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.text import Text

from tests.lab.demo import letter
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.screen.terminal import COLUMNS, Answers, run

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "docs" / "first-mail.svg"
CELL = 12.2  # the width of a character in the units of the SVG
FONTS = "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace"
PROMPT = "\x1b[1;32m$\x1b[0m "
ADDRESS = r"proof-[a-z2-7]{16}@[\w.-]+(?=[\s\S]*waiting, )"


def take(lab: Lab) -> list[str]:
    """Deploy to the lab's target, prove it with a message of the world. The lines, with their colours."""
    programs = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "mail").mkdir()
        inventory = shutil.copy(lab.inventory, Path(home) / "mail")
        environment = {
            **os.environ,
            **lab.environment,
            "HOME": home,
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "PYINFRA_PROGRESS": "off",
            "INVENTORY": str(inventory),
        }
        environment.pop("NO_COLOR", None)
        environment.pop("COLUMNS", None)

        def send(address: re.Match[str]) -> str:
            lab.world.send(letter(address[0]).as_bytes(), [address[0]])
            return ""

        deployed = _ran([str(programs / "pyinfra"), "-y", str(inventory), "deploy.py"], environment)
        proof = [str(programs / "python"), "-m", "first_mail.proof", "--inventory", str(inventory)]
        proved = _ran(proof, environment, {ADDRESS: send})
    return [
        f"{PROMPT}pyinfra -y ~/mail/inventory.py deploy.py",
        *without_middle(deployed),
        f"{PROMPT}make proof INVENTORY=~/mail/inventory.py",
        *without_code(proved),
    ]


def _ran(command: list[str], environment: dict[str, str], answers: Answers | None = None) -> list[str]:
    code, lines = run(command, environment, ROOT, answers)
    if code != 0:
        raise LabError(f"{command[0]} ended with {code}: {' '.join(map(plain, lines))}")
    return lines


def plain(line: str) -> str:
    return Text.from_ansi(line).plain


def without_middle(lines: list[str]) -> Iterator[str]:
    """The deploy's first step and its last, and a line for those between and for the table of results."""
    lines = [line for line in lines if plain(line).strip()]
    steps = [at for at, line in enumerate(lines) if "Starting operation:" in plain(line)]
    end = next(at for at, line in enumerate(lines) if "Results:" in plain(line))
    first = next(at for at, line in enumerate(lines) if "Connected" in plain(line))
    yield lines[first]
    yield from lines[steps[0] : steps[1]]
    yield f"    \x1b[2m⋮ {len(steps) - 2} more steps\x1b[0m"
    yield from lines[steps[-1] : end]
    yield ""


def without_code(lines: list[str]) -> Iterator[str]:
    """The proof with a line in place of its QR code."""
    said = False
    for line in lines:
        if set(plain(line).strip()) & set("█▀▄"):
            if not said:
                yield "  \x1b[2m⋮ the same as a QR code\x1b[0m"
            said = True
        else:
            yield line


def draw(lines: list[str], path: Path) -> None:
    """Write the lines as an SVG of a terminal."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in lines:
        console.print(Text.from_ansi(line), overflow="fold")
    svg = console.export_svg(title="Letterbox", unique_id="letterbox")
    # rich would have each reader's browser fetch a font from a stranger's server.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", FONTS)
    path.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", "utf-8")


def lines_in(path: Path) -> list[str]:
    """The lines of an SVG that `draw` has written, without their colours."""
    found: dict[int, str] = {}
    texts = ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")
    for text in sorted(texts, key=lambda each: float(each.get("x", "0"))):
        if number := re.fullmatch(r"url\(#letterbox-line-(\d+)\)", text.get("clip-path", "")):
            line, column = int(number[1]), round(float(text.get("x", "0")) / CELL)
            found[line] = found.get(line, "").ljust(column) + (text.text or "")
    last = max(found, default=-1)
    return [found.get(n, "").replace("\xa0", " ").rstrip() for n in range(last + 1)]
