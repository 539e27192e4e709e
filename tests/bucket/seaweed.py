"""A store that speaks S3: the program `weed` of SeaweedFS, one process with a key pair and an empty bucket.

It needs no root and is ready within seconds. All its ports are given, because it would take further ones by
itself (port + 10000 for gRPC). What it stores lies in a temporary folder, which goes with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from tests.ports import free_port
from tests.waiting import wait_until

KEY, SECRET = "LETTERBOXTESTKEY0001", "a/Test+Secret0123456789abcdefABCDEF=="
BUCKET = "mail"


@dataclass(frozen=True, slots=True)
class Engine:
    """A store that runs. `endpoint` has no bucket, such as `http://127.0.0.1:PORT`."""

    endpoint: str
    key: str
    secret: str
    process: subprocess.Popen[bytes]
    ports: frozenset[int]
    filer: str  # speaks plain HTTP, without a key: what it has at /buckets/BUCKET/… is in the bucket

    @property
    def url(self) -> str:
        """The URL of the empty bucket, as in bucket.toml."""
        return f"{self.endpoint}/{BUCKET}"

    def make_bucket(self, name: str) -> str:
        """Make one more bucket. Returns its URL."""
        folder = f"{self.filer}/buckets/{name}/"
        try:
            _request("POST", folder)
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.CONFLICT:  # It is there.
                raise
        # The first object of a bucket takes seconds, in which the store makes its volumes.
        _request("PUT", f"{folder}.first", b"first")
        _request("DELETE", f"{folder}.first")
        return f"{self.endpoint}/{name}"


def _request(method: str, url: str, body: bytes | None = None) -> None:
    urllib.request.urlopen(urllib.request.Request(url, body, method=method), timeout=30).close()


@contextlib.contextmanager
def seaweed(key: str = KEY, secret: str = SECRET, address: str = "127.0.0.1") -> Iterator[Engine]:
    """Run a store at an address of this machine until the end of the context. Each call makes its own."""
    with tempfile.TemporaryDirectory(prefix="letterbox-weed-") as folder:
        process, engine = _start(Path(folder), key, secret, address)
        try:
            wait_until(lambda: _has_bucket(engine), "weed, ready with a bucket")
            yield engine
        finally:
            process.kill()
            process.wait()
            for each in Path("/tmp").glob("seaweedfs-*-grpc-*.sock"):  # weed makes them there, always
                if int(each.stem.rpartition("-")[2]) in engine.ports:
                    each.unlink(missing_ok=True)


def _start(folder: Path, key: str, secret: str, address: str) -> tuple[subprocess.Popen[bytes], Engine]:
    config = folder / "s3.json"
    config.write_text(
        json.dumps(
            {
                "identities": [
                    {
                        "name": "letterbox",
                        "credentials": [{"accessKey": key, "secretKey": secret}],
                        "actions": ["Admin", "Read", "List", "Tagging", "Write"],
                    }
                ]
            }
        )
    )
    for each in ("data", "log"):
        (folder / each).mkdir()
    ports = {
        f"{part}.port{kind}": free_port()
        for part in ("master", "volume", "filer", "s3")
        for kind in ("", ".grpc")
    }
    arguments = {
        "dir": folder / "data",
        "ip": address,
        "ip.bind": address,
        **ports,
        "filer": "true",
        "s3": "true",
        "s3.config": config,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.localSocket": folder / "s3.sock",
        "filer.localSocket": folder / "filer.sock",
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 1024,
        "volume.max": 1000,
        "volume.minFreeSpacePercent": 0,
    }
    weed = Path(sys.executable).with_name("weed")
    command = [str(weed), f"-logdir={folder / 'log'}", "-alsologtostderr=false", "server"]
    process = subprocess.Popen(
        [*command, *(f"-{name}={value}" for name, value in arguments.items())],
        # One volume for a bucket in place of seven, or a dozen buckets would take all that there are.
        env={**os.environ, "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return process, Engine(
        f"http://{address}:{ports['s3.port']}",
        key,
        secret,
        process,
        frozenset(ports.values()),
        f"http://{address}:{ports['filer.port']}",
    )


def _has_bucket(engine: Engine) -> bool:
    """Whether the store answers. Makes the bucket then."""
    assert engine.process.poll() is None, f"weed ended with {engine.process.returncode}"
    try:
        _request("GET", f"{engine.url}?list-type=2")
        return False
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.FORBIDDEN:  # Without a key, a store that is ready says 403.
            return False
    except OSError:
        return False
    try:
        engine.make_bucket(BUCKET)
    except OSError:  # Its other parts may not be ready yet.
        return False
    return True
