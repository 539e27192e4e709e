"""The whole program as a process: what it imports, and what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dns.example import ROOT, TOKEN, Run
from tests.lab.cloudflare import StandIn


def process(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`python -m dns.sync` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "dns.sync", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, **environ},
    )


@pytest.mark.parametrize("program", ["dns.sync", "dns.check"])
@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), ([], 1), (["a", "--wait", "x"], 1)])
def test_help_and_usage_errors_import_neither_sdk_nor_rich_nor_dnspython(
    program: str, arguments: list[str], code: int
) -> None:
    probe = (
        f"import sys\nfrom {program} import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(sorted({'cloudflare', 'httpx', 'rich', 'dns.message', 'dns.name', 'idna'}"
        " & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.returncode == code
    assert done.stderr.splitlines()[-1] == "[]"


def test_a_run_with_nothing_to_do_loads_no_terminal_display_and_no_certificates(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    run()
    probe = (
        "import ssl, sys\nfrom dns.sync import main\n"
        "ssl.SSLContext.load_verify_locations = ssl.SSLContext.load_default_certs = None\n"
        "main(sys.argv[1:])\nprint(sorted({'rich', 'click', 'dns.message'} & set(sys.modules)))"
    )
    arguments = ["example.test", "--inventory", str(inventory)]
    done = subprocess.run(
        [sys.executable, "-c", probe, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    assert done.stdout.startswith("example.test: in sync")


def test_the_whole_program_runs_as_a_process(cloudflare: StandIn, inventory: Path) -> None:
    arguments = ("example.test", "--inventory", str(inventory), "--wait", "0")
    first, second = process(*arguments), process(*arguments)
    assert (first.returncode, second.returncode) == (0, 0)
    assert second.stdout == "example.test: in sync (MX 1, A 1, AAAA 1)\n"
    assert TOKEN not in first.stdout + first.stderr
