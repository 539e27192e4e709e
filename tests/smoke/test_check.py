"""`python -m dns.check` finds nothing wrong with a deployed host, and asks everything that it should."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_check_finds_nothing_missing_that_is_required(
    inventory_path, inventory, deployed, port_25, vantage_names
) -> None:
    for domain in inventory.domains:
        done = subprocess.run(
            [sys.executable, "-m", "dns.check", domain.name, "--inventory", inventory_path, "--json"],
            cwd=ROOT,
            env={**os.environ, **(deployed.environment if deployed else {})},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode in (0, 1, 2), done.stderr
        found = json.loads(done.stdout)
        # With --from, this machine's own view of port 25 is not what is wanted.
        assert [each for each in found["required"] if not (vantage_names and each["code"] == "port-25")] == []
        assert found["nameservers"]
        if deployed:
            assert (done.returncode, found["unknown"], found["advised"]) == (0, [], [])
            assert len(found["nameservers"]) == 4
            assert all(place["starttls"] for place in found["mail_hosts"])
            assert len(found["mail_hosts"]) == 2
