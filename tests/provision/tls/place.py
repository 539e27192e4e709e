"""The folder of keys of a host, on this machine: the real script and the real probe work on it."""

from __future__ import annotations

import os
import shlex
import ssl
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pyinfra.api.command import StringCommand

from provision.host import layout, probe
from provision.host.answer import parse_sections
from provision.host.observed import File, Observed
from provision.tls.certificate import certificate_commands

HOSTNAME = "mx1.example.com"
SECTIONS = ("tls", "certificate", "key", "spare key", "next key", "request", "next request", "keys", "files")
FINE = {"uid": ["0"], "missing": [], "routes": ["[]", "[]"], "addresses": ["[]"]}
# Kills the shell before the command of this number, counted in functions too.
_CUT = "n=0; trap 'n=$((n+1)); if [ $n -ge {} ]; then kill -9 $$ $BASHPID; fi' DEBUG; set -T\n"


class CutOff(Exception):
    """The script was killed before its end."""


@dataclass(frozen=True)
class Place:
    """What stands for /etc/letterbox/tls. This user stands for root, and his group for `letterbox`."""

    folder: Path

    def run(self, command: StringCommand, *, cut: int | None = None) -> None:
        """Run a command of the step here. With `cut`, raises CutOff if it is killed before its end."""
        shell, _, text = shlex.split(str(command))
        assert shell == "sh"
        owner = f"{os.getuid()}:{os.getgid()}"
        for old, new in (
            (layout.TLS_FOLDER, str(self.folder)),
            ("root:letterbox", owner),
            ("root:root", owner),
        ):
            text = text.replace(old, new)
        program = ["sh", "-c", text] if cut is None else ["bash", "-c", _CUT.format(cut) + text]
        done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
        if cut is not None and done.returncode == -9:
            raise CutOff
        assert done.returncode == 0, done.stderr

    def observe(self) -> Observed:
        """What the deploy's probe sees here, as that of a host."""
        head, *parts = probe.script(()).split(f"echo '{probe.MARK} ")
        chosen = [part for part in parts if part.partition("'")[0] in SECTIONS]
        text = head + "".join(f"echo '{probe.MARK} {part}" for part in chosen)
        text = text.replace(layout.TLS_FOLDER, str(self.folder))
        done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, timeout=60, check=False)
        output = done.stdout.replace(str(self.folder), layout.TLS_FOLDER)
        seen = parse_sections({**FINE, **probe.sections(output.splitlines())})
        files = {path: _as_on_a_host(file) for path, file in seen.files.items()}
        return replace(seen, files=files, read_at=time.time())

    def deploy(self, hostname: str = HOSTNAME, *, cut: int | None = None) -> int:
        """Do what the step does: look, decide, act. Returns the number of commands."""
        commands = list(certificate_commands(self.observe(), hostname))
        for command in commands:
            self.run(command, cut=cut)
        return len(commands)

    def make(self, shell: str) -> None:
        """Run shell in this folder."""
        subprocess.run(["sh", "-c", shell], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def named_by(self, shell: str) -> list[str]:
        """The paths from this folder on that a part of the probe names."""
        text = shell.replace(layout.TLS_FOLDER, str(self.folder))
        done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, timeout=60, check=False)
        return sorted(str(Path(line).relative_to(self.folder)) for line in done.stdout.splitlines())

    def keys(self) -> tuple[str, str]:
        """The digests of the key in use and of the next one, by the private keys; empty if unusable."""
        tls = self.observe().tls
        return (tls.key.spki if tls.key else "", tls.next.spki if tls.next else "")

    def serves(self) -> None:
        """Load what the service loads. Raises OSError or ssl.SSLError if it cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "certificate.pem", self.folder / "key.pem", lambda: "")

    def listing(self) -> Iterable[str]:
        """The files and links here."""
        return sorted(
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_symlink() or path.is_file()
        )


def _as_on_a_host(file: File) -> File:
    """The file with the owners that it has on a host, where two groups are told apart."""
    return replace(file, user="root", group=layout.USER if file.mode in ("640", "750") else "root")


def old_layout(place: Place, hostname: str = HOSTNAME) -> None:
    """The plain files of 0.1 and 0.2, made as 0.2.0 made them."""
    place.make(
        "umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 "
        f"-subj /CN={hostname} -addext subjectAltName=DNS:{hostname} -keyout key.pem -out certificate.pem; "
        "chmod 640 key.pem; chmod 644 certificate.pem"
    )
