"""workerd on loopback, serving one script over HTTPS. It is installed once from npm.

https://github.com/cloudflare/workerd
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dns.cloudflare.worker_script import COMPATIBILITY_DATE, MAIN_MODULE
from tests.conformance.npm_peers import locked
from tests.waiting import wait_until

HERE = Path(__file__).parent
# Its schema: https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
CONFIG = """\
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "%(module)s", esModule = embed "%(module)s")], compatibilityDate = "%(date)s"
  ))],
  sockets = [(name = "https", address = "%(address)s", service = "main", https = (options = (), tlsOptions = (
    keypair = (privateKey = embed "key.pem", certificateChain = embed "certificate.pem")
  )))]
);
"""


def binary() -> Path:
    """The program of this machine's system. Raises OSError."""
    modules = locked(HERE, "workerd", optional=True) / "node_modules" / "@cloudflare"
    found = next(iter(modules.glob("workerd-*/bin/workerd")), None)
    if found is None:
        raise OSError("npm has no workerd for this system")
    return found


@contextmanager
def running(
    script: str, pair: tuple[Path, Path], folder: Path, address: str, port: int = 443
) -> Iterator[None]:
    """Serve the script at the address with this certificate and key, as long as the context lasts."""
    values = {"module": MAIN_MODULE, "date": COMPATIBILITY_DATE, "address": f"{address}:{port}"}
    files = {
        MAIN_MODULE: script,
        "certificate.pem": pair[0].read_text(),
        "key.pem": pair[1].read_text(),
        "config.capnp": CONFIG % values,
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    log = folder / "log"
    with log.open("w") as output:
        command = [str(binary()), "serve", "config.capnp"]
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
    try:

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            with socket.socket() as probe:
                return probe.connect_ex((address, port)) == 0

        wait_until(answers, "workerd accepts connections")
        yield
    finally:
        process.terminate()
        process.wait(30)
