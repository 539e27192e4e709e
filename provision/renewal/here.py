"""Renewal by the machine that deploys, for a host that has no token: looked at, ordered, and brought there.

The request is the one that the host's key has signed. The key never leaves the host.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pyinfra import context, logger
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.exceptions import DeployError
from pyinfra.api.host import Host
from pyinfra.api.state import State

from dns.inventory.host_certificate import WantedCertificate
from provision.desired.renewal import ProofZone
from provision.host import layout
from provision.host.layout import key_folder
from provision.host.observed import Observed
from provision.host.tls import Key, pem_block
from provision.renewal import program
from provision.renewal.program import DUE, GOOD, WRONG, Done
from provision.run.step import Command, alone, for_any_shell, forget, observe, untouched
from provision.tls.shell import script

_FAILED = "the certificate was not renewed, and the one in use stays"


@dataclass(frozen=True, slots=True)
class Job:
    """The certificate that a host is to have. If it `must` be renewed, a failure fails the run."""

    hostname: str
    wanted: WantedCertificate
    zone: ProofZone
    must: bool = False

    def arguments(self, folder: Path) -> dict[str, str]:
        """Those of `python -m services.renewal` that a look needs, too."""
        return {
            "--state": str(folder),
            "--ca": self.wanted.authority,
            "--profile": self.wanted.profile,
            "--smtp": "nobody",  # port 25 of this machine is not that of the host
            "--resolver": os.environ.get("LETTERBOX_RESOLVER", ""),
        }


_looks: dict[tuple[Job, str, str], Done] = {}  # by the key's digest and that of the host's certificate


def refuse_what_is_wrong(job: Job, seen: Observed) -> None:
    """Ask the authority whether it is one, if it is new. Raises DeployError, before anything is touched."""
    key = usable_key(job, seen)
    if key is None:
        folder = program.state_folder(job.hostname)
        done = program.call(folder, job.arguments(folder), "--look")
    else:
        done = look(job, seen, key)
    if done.code == WRONG:
        raise DeployError(untouched([done.words]))


def usable_key(job: Job, seen: Observed) -> Key | None:
    """The key in use, if its request is for this host and lies where the deploy puts it."""
    key = seen.tls.key
    usable = key and key.has_request_for(job.hostname)
    return key if usable and seen.link_to(layout.KEY_IN_USE) else None


def look(job: Job, seen: Observed, key: Key) -> Done:
    """Whether a certificate is due. The same is asked once a run. What the host has is taken over here."""
    held = seen.tls.certificate
    asked = (job, key.spki, held.sha256 if held else "")
    if asked not in _looks:
        folder = program.state_folder(job.hostname)
        arguments = job.arguments(folder) | {"--request": _request(folder, key)}
        if held and not held.self_signed and held.sha256 != digest(_path(job, key)):
            from pyinfra.facts.server import Command as Output  # late: a plain deploy has no use for it

            text = context.host.get_fact(Output, f"cat {layout.KEY_IN_USE}/certificate.pem")
            (folder / "held.pem").write_text(f"{text or ''}\n")
            arguments["--held"] = str(folder / "held.pem")
        _looks[asked] = done = program.call(folder, arguments, "--look")
        if done.code not in (GOOD, DUE, WRONG):
            logger.warning(f"{context.host.print_prefix}{_FAILED}: {done.words}")
        elif job.must and done.code == GOOD:
            logger.info(f"{context.host.print_prefix}the certificate is {done.words}")
    return _looks[asked]


def commands(job: Job, seen: Observed) -> Iterator[Command]:
    """Order a certificate if one is due, and bring the host the one that lies here. Raises DeployError."""
    key = usable_key(job, seen)
    if key is None:
        if context.state.is_executing:
            raise DeployError("the key in use has no request for this host: deploy, which makes it")
        yield FunctionCommand(renew, (job,), {})  # the steps before this one make both
        return
    done = look(job, seen, key)
    if done.code == DUE:
        yield FunctionCommand(renew, (job,), {})
    elif done.code != GOOD:
        if job.must:
            yield FunctionCommand(_fail, (done.words,), {})
    elif not is_there(digest(_path(job, key)), seen):
        yield brought(job.hostname, key, _path(job, key).read_text())


def is_there(here: str, seen: Observed) -> bool:
    """Whether the host has the certificate with this digest. Pure."""
    held = seen.tls.certificate
    return held is not None and held.sha256 == here


def renew(state: State, host: Host, job: Job) -> bool:
    """Order the certificate, and bring it. If that fails, it is said. Returns whether the run may go on."""
    key = usable_key(job, observe(host))
    if key is None:
        return _failed(host, job, "the key in use has no request for this host: deploy, which makes it")
    logger.info(f"{host.print_prefix}ordering a certificate of {job.wanted.authority}: about a minute")
    folder = program.state_folder(job.hostname)
    arguments = job.arguments(folder) | {
        "--request": _request(folder, key),
        "--zone": job.zone.name,
        "--zone-id": job.zone.id,
        "--api": job.zone.api,
        "--token": "/dev/stdin",  # in no file, no argument and no environment
    }
    done = program.call(folder, arguments, given=os.environ.get("CLOUDFLARE_API_TOKEN", "").strip())
    if done.code != GOOD:
        return _failed(host, job, done.words)
    command = for_any_shell(alone(brought(job.hostname, key, _path(job, key).read_text())))
    arrived, output = host.run_shell_command(
        command, _sudo=bool(host.data.get("_sudo")), **command.connector_arguments
    )
    forget()
    if not arrived:
        said = "; ".join(output.stderr_lines[-3:]) or "the host gave no reason"
        return _failed(host, job, f"it was issued, and did not get to the host ({said}): run it again")
    logger.info(f"{host.print_prefix}the certificate is {done.words}")
    return True


def _failed(host: Host, job: Job, why: str) -> bool:
    tell = logger.error if job.must else logger.warning
    tell(f"{host.print_prefix}{_FAILED}: {why}")
    return not job.must


def _fail(state: State, host: Host, why: str) -> bool:
    logger.error(f"{host.print_prefix}{_FAILED}: {why}")
    return False


def brought(hostname: str, key: Key, pem: str) -> StringCommand:
    """Put a certificate in the place of the one in use, and let the service read it, without a restart."""
    return script(hostname, [f"bring {key_folder(key.spki)}", "load"], given=pem)


def _path(job: Job, key: Key) -> Path:
    """Where the certificate of this key lies on this machine."""
    return program.state_folder(job.hostname) / key.spki[:16] / "certificate.pem"


def digest(path: Path) -> str:
    """The SHA-256 of the first certificate of the file, in DER, as hexadecimal. Empty if there is none."""
    try:
        der = pem_block(path.read_text().splitlines(), "CERTIFICATE")
    except (OSError, UnicodeDecodeError):
        return ""
    return hashlib.sha256(der).hexdigest() if der else ""


def _request(folder: Path, key: Key) -> str:
    """The file of the key's request, in PEM, written anew."""
    assert key.request is not None, "asked of `usable_key`"
    body = base64.encodebytes(key.request.der).decode()
    path = folder / "request.pem"
    path.write_text(f"-----BEGIN CERTIFICATE REQUEST-----\n{body}-----END CERTIFICATE REQUEST-----\n")
    return str(path)
