"""Pebble, Let's Encrypt's own test authority, in strict mode: it speaks ACME as RFC 8555 says, or refuses.

It forgets its accounts, and makes new roots, whenever it is started. It refuses 10 % of all good nonces, and
sends Retry-After in seconds or as a date, at random.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.request
from datetime import datetime
from pathlib import Path

from tests.ports import free_port

SUITE = "forky"
PROFILES = {"ordinary": 90 * 86400, "short": 6 * 86400, "moment": 30}  # seconds
SECONDS = 20.0
IDENTITY = "ca.test"
"""Its name in CAA records, as its directory says. It checks none."""


def program() -> Path | None:
    """Pebble: the installed one, or Debian's, unpacked into the cache once. None if neither is to be had."""
    if found := shutil.which("pebble"):
        return Path(found)
    root = _cache() / f"{SUITE}-pebble"
    if not root.is_dir() and shutil.which("mmdebstrap"):
        root.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=root.parent, prefix="pebble."))
        fetch = ("mmdebstrap", "--quiet", "--variant=extract", "--format=directory", "--include=pebble")
        # The release file of a suite that still changes is often older than its date of expiry.
        unchecked = '--aptopt=Acquire::Check-Valid-Until "false"'
        if subprocess.run([*fetch, unchecked, SUITE, str(part)], check=False).returncode == 0:
            part.rename(root)
        shutil.rmtree(part, ignore_errors=True)
    found_there = root / "usr/bin/pebble"
    return found_there if found_there.exists() else None


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "letterbox" / "packages"


class Pebble:
    """A Pebble on loopback that asks `dns` (`ADDRESS:PORT`) for challenges. Use as a context manager.

    `certificate` and `key` are the files of its HTTPS, for 127.0.0.1.
    """

    def __init__(self, folder: Path, dns: str, certificate: Path, key: Path) -> None:
        self.folder, self.dns, self.trust = folder, dns, certificate
        self.port, self.management_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        config = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management_port}",
            "certificate": str(certificate),
            "privateKey": str(key),
            "httpPort": 1,
            "tlsPort": 1,
            "keyAlgorithm": "ecdsa",
            "caaIdentities": [IDENTITY],
            "retryAfter": {"authz": 1, "order": 1},
            "profiles": {
                name: {"description": name, "validityPeriod": seconds} for name, seconds in PROFILES.items()
            },
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": config}))

    def __enter__(self) -> Pebble:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def directory(self) -> str:
        """The URL of its directory."""
        return f"https://127.0.0.1:{self.port}/dir"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        environment = {
            "PEBBLE_VA_NOSLEEP": "1",
            "PEBBLE_AUTHZREUSE": "0",  # or half of the orders would prove nothing
            "PEBBLE_WFE_NONCEREJECT": "10",  # of a hundred; ten for one request end a run
        }
        config = ("-config", str(self.folder / "pebble.json"), "-dnsserver", self.dns, "-strict")
        with (self.folder / "pebble.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(program()), *config], env=os.environ | environment, stdout=log, stderr=log
            )
        ends = time.monotonic() + SECONDS
        while True:
            try:
                self._get(self.directory)
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > ends:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        """End it. It forgets everything."""
        if self._process:
            self._process.terminate()
            self._process.wait(SECONDS)
            self._process = None

    def log(self) -> str:
        """What it has logged since its first start."""
        return (self.folder / "pebble.log").read_text()

    def root(self) -> bytes:
        """The root certificate of today, as PEM."""
        return self._get(f"https://127.0.0.1:{self.management_port}/roots/0")

    def suggest(self, certificate: bytes, start: datetime, end: datetime) -> None:
        """Let it suggest to renew the certificate within this window (RFC 9773)."""
        window = {"suggestedWindow": {"start": start.isoformat(), "end": end.isoformat()}}
        self.answer_suggestion(certificate, json.dumps(window))

    def answer_suggestion(self, certificate: bytes, answer: str) -> None:
        """Let it answer this text when it is asked for a suggestion for the certificate."""
        body = json.dumps({"Certificate": certificate.decode(), "ARIResponse": answer}).encode()
        self._get(f"https://127.0.0.1:{self.management_port}/set-renewal-info/", body)

    def _get(self, url: str, body: bytes | None = None) -> bytes:
        context = ssl.create_default_context(cafile=self.trust)
        with urllib.request.urlopen(url, body, SECONDS, context=context) as answer:
            return bytes(answer.read())
