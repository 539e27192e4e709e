"""The fetcher of postfix-mta-sts-resolver, asked from a process whose resolver is a given nameserver.

As a program: `python fetcher.py DOMAIN` prints its result as JSON. It asks the resolver of /etc/resolv.conf
and port 443 alone, so it runs in a mount namespace with a resolv.conf of its own.
https://pypi.org/project/postfix-mta-sts-resolver/
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_WITH_RESOLVER = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'


def fetched(domain: str, nameserver: str, root: Path, folder: Path) -> dict[str, Any]:
    """The result by name, the id and the policy, as that resolver gives them. Needs root.

    `nameserver` listens on port 53. `root` has the roots that are trusted.
    """
    resolv = folder / "resolv.conf"
    resolv.write_text(f"nameserver {nameserver}\n")
    isolated = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        _WITH_RESOLVER,
        "sh",
        str(resolv),
    ]
    done = subprocess.run(
        [*isolated, sys.executable, __file__, domain],
        env={**os.environ, "SSL_CERT_FILE": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def _resolve(domain: str) -> dict[str, Any]:
    from postfix_mta_sts_resolver.resolver import STSResolver

    resolver = STSResolver(timeout=30, loop=asyncio.get_running_loop())
    result, policy = await resolver.resolve(domain)
    return {"result": result.name, "id": policy and policy[0], "policy": policy and policy[1]}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_resolve(sys.argv[1]))))
