"""Debian's receivers on loopback: Postfix, Exim, OpenSMTPD and chasquid, each with its defaults.

They are not installed. Their packages are unpacked once into the cache. Each receiver runs in an overlay of
that, in mount and PID namespaces of its own, which end with it. `peers/<name>.sh` sets it up. The receivers
serve example.test with alice, bob and postmaster. They discard the mail, or store it in Maildirs in a folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.conformance.play import ADDRESSES, Server
from tests.ports import free_port
from tests.receiver.certificates import make_certificate

SUITE = "bookworm"
SCRIPTS = Path(__file__).parent / "peers"
PEERS = {
    "Postfix": ("postfix", "postfix"),
    "Exim": ("exim", "exim4-daemon-heavy"),
    "OpenSMTPD": ("opensmtpd", "opensmtpd"),
    "chasquid": ("chasquid", "chasquid"),
}
# Others that are only measured: another script for one of them, or with more packages.
_VARIANTS = {
    "Postfix as installed": ("postfix", "postfix", "postfix-installed"),
    "Postfix, checks": (
        "postfix-checked",
        "postfix,opendkim,opendmarc,postfix-policyd-spf-python",
        "postfix-checked",
    ),
}
_BASE = "dash,coreutils,sed,grep,findutils,hostname,base-files,libc-bin"
_ISOLATED = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--propagation", "private"),
)
_START = """
root="$1/root" script="/peers/$5.sh"
mount -t tmpfs peer "$1" && mkdir "$1/upper" "$1/work" "$root"
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" peer "$root"
mkdir -p "$root/peers" "$root/proc" "$root/dev" && cp "$3"/* "$4"/* "$root/peers/"
mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev"
[ -z "$6" ] || { mkdir "$root/store" && mount --bind "$6" "$root/store"; }
[ -z "$7" ] || { cp "$7" "$root/peers/" && echo "/peers/${7##*/}" > "$root/etc/ld.so.preload"; }
shift 7
exec chroot "$root" /bin/sh "$script" "$@"
"""


def packages() -> Path:
    """The folder of the unpacked packages."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "letterbox" / "packages"


def unpacked(name: str, include: str) -> Path:
    """A root file system with these Debian packages and their dependencies, unpacked but not set up."""
    root = packages() / f"{SUITE}-{name}"
    if not root.is_dir():
        packages().mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=packages(), prefix=f"{name}."))
        print(f"unpacking {include} from Debian {SUITE} (once)", flush=True)
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=extract", "--format=directory",
             '--aptopt=Acquire::Check-Valid-Until "false"', f"--include={include},{_BASE}", SUITE, str(part)],
            check=True,
        )  # fmt: skip
        try:
            part.rename(root)
        except OSError:  # Another run was faster.
            shutil.rmtree(part)
    return root


@contextlib.contextmanager
def running_peers() -> Iterator[dict[str, Server]]:
    """Run all peers inside this context, and yield them by name. Needs root and mmdebstrap."""
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(running_peer(name)) for name in PEERS}


@contextlib.contextmanager
def running_peer(title: str, relay: int | str = "", tls: str = "yes") -> Iterator[Server]:
    """Run one of PEERS. `relay` is a port here to which it relays its mail, and whether over TLS."""
    with peer_process(title, relay, tls) as (_, port):
        yield Server("127.0.0.1", port, ADDRESSES, patience=6)


def fetched(title: str) -> tuple[Path, str]:
    """The root file system of a peer, and the name of its script."""
    name, include, script = _VARIANTS.get(title) or (*PEERS[title], PEERS[title][0])
    return unpacked(name, include), script


@contextlib.contextmanager
def peer_process(
    title: str,
    relay: int | str = "",
    tls: str = "yes",
    store: Path | str = "",
    preload: Path | str = "",
    *,
    old_key: bool = True,
    dns: str = "",
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a peer. Yields the process that is the ancestor of all its processes, and its port.

    With `store`, a folder: its queue is `<store>/queue`, and alice's Maildir `<store>/mail/alice/`. With
    `preload`, a library, all its programs are started with that (ld.so(8)). Its key is RSA,
    or else ECDSA P-256. `dns` is the address of the name server of a peer that asks one.
    """
    root, script = fetched(title)
    with tempfile.TemporaryDirectory() as secret:
        make_certificate(Path(secret), "peer.example.test", old=old_key)
        with rooted(title, root, Path(secret), script, (str(relay), tls, dns), store, preload) as started:
            yield started


@contextlib.contextmanager
def rooted(
    title: str,
    root: Path,
    files: Path,
    script: str,
    arguments: Sequence[str] = (),
    store: Path | str = "",
    preload: Path | str = "",
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a receiver in an overlay of this root. Yields the ancestor of its processes, and its port.

    `/peers/<script>.sh` starts it, given the port and the arguments; beside it there lie these files. `store`
    is at `/store`; `preload` is a library that all programs in there are started with (ld.so(8)).
    """
    with tempfile.TemporaryDirectory() as folder:
        (mount := Path(folder) / "mount").mkdir()
        port = free_port()
        command = [
            "sh",
            "-ec",
            _START,
            "sh",
            *map(str, (mount, root, files, SCRIPTS, script, store, preload)),
        ]
        with isolated(title, [*command, str(port), *arguments], port, Path(folder) / "log") as process:
            yield process, port


@contextlib.contextmanager
def isolated(
    title: str, command: Sequence[str], port: int, log: Path, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command in namespaces of its own until it greets. `variables` are added to its environment."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*_ISOLATED, "env", *(f"{key}={value}" for key, value in (variables or {}).items()), *command],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        _wait_for_greeting(title, port, process, log)
        yield process
    finally:
        # The first process of the PID namespace, which takes all others with it: a receiver that has
        # changed its user no longer hears that its parent is gone.
        if process.poll() is None:
            for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
            process.kill()
            process.wait()


def _wait_for_greeting(title: str, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as connection:
            if connection.recv(4) == b"220 ":
                return
        time.sleep(0.1)
    raise OSError(f"{title} does not greet:\n{log.read_text(errors='replace')[-2000:]}")
