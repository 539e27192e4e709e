"""Receivers from npm on loopback: Haraka and nodemailer's smtp-server, storing in a Maildir.

Both leave the storing to a function of the user's; theirs is `peers/maildir.js`, which has a message and
its folder entry on the disk before it is answered 250. Packages are unpacked once into the cache, beside
Debian's, and run on this system's Node.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.conformance.peers import SCRIPTS, free_port, isolated, packages
from tests.receiver.certificates import make_certificate

NPM_PEERS = {"Haraka": "Haraka@3.3.4", "nodemailer": "smtp-server@3.21.6"}
_NODE = 20  # what Haraka asks for
# Four by default, which would make 200 sessions wait for four syncs at a time.
_THREADS = {"UV_THREADPOOL_SIZE": "64"}


@contextlib.contextmanager
def npm_peer_process(
    title: str, store: Path, preload: Path | str = ""
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The process that all of a peer's descend from, and its port.

    `store`, a folder: alice's Maildir is `<store>/mail/alice/`. `preload`: see `peers.peer_process`.
    """
    modules = _installed(NPM_PEERS[title]) / "node_modules"
    maildir, port = store / "mail" / "alice", free_port()
    variables = _THREADS | {"NODE_PATH": str(modules)} | ({"LD_PRELOAD": str(preload)} if preload else {})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if title == "Haraka":
            command = _haraka(modules, folder, port)
            variables |= {"PEER_MAILDIR": str(maildir), "PEER_SCRIPTS": str(SCRIPTS)}
        else:
            make_certificate(folder, "peer.example.test", old=True)
            command = ["node", str(SCRIPTS / "nodemailer.js"), str(port), str(maildir)]
            command += [str(folder / "key.pem"), str(folder / "certificate.pem")]
        with isolated(title, command, port, folder / "log", variables) as process:
            yield process, port


def _haraka(modules: Path, folder: Path, port: int) -> Sequence[str]:
    """Its folder: its own settings, with one plugin, ours."""
    shutil.copytree(modules / "Haraka" / "config", folder / "config")
    (folder / "plugins").mkdir()
    shutil.copy(SCRIPTS / "haraka.js", folder / "plugins" / "maildir.js")
    texts = {
        "smtp.ini": f"listen=127.0.0.1:{port}\nnodes=cpus\n",
        "plugins": "maildir\n",
        "me": "peer.example.test\n",
        "log.ini": "[main]\nlevel=warn\nformat=default\n",
    }
    for file, text in texts.items():
        (folder / "config" / file).write_text(text)
    return ["node", str(modules / "Haraka" / "bin" / "haraka"), "-c", str(folder)]


def _installed(package: str) -> Path:
    """The folder whose node_modules has the package. Raises OSError."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise OSError(f"{package} needs Node {_NODE} and npm on PATH: see https://nodejs.org")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < _NODE:
        raise OSError(f"{package} needs Node {_NODE}, and this is {version}: see https://nodejs.org")
    root = packages() / f"npm-{package}"
    if not root.is_dir():
        packages().mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=packages(), prefix=f"{package}."))
        print(f"unpacking {package} from npm (once)", flush=True)
        # No scripts of anybody's are run; what is optional are plugins that are not used here.
        options = ["--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--silent"]
        done = subprocess.run(
            ["npm", "install", "--prefix", str(part), *options, package], capture_output=True, text=True
        )
        if done.returncode:
            shutil.rmtree(part)
            raise OSError(f"npm does not install {package}: {' '.join(done.stderr.split())[-300:]}")
        try:
            part.rename(root)
        except OSError:  # another run was quicker
            shutil.rmtree(part)
    return root
