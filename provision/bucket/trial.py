"""Trying the bucket, from this machine and from a host, before anything is changed.

The check puts an object under conditions, puts it again, lists it and removes it. From a host it runs in a
sandbox as a user that exists meanwhile only. What it needs lies in a folder of its own, which goes with it.
The key pair comes over the standard input.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from pyinfra import context
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import DeployError

from provision.bucket.links import Answer, parse_answer
from provision.desired.archive import BUCKET, BuildError, Platform, archive
from provision.desired.bucket import WantedBucket
from provision.desired.libraries import environment
from provision.host import layout
from provision.host.observed import Observed
from provision.run.step import alone, for_any_shell

_SECONDS = 90  # the check gives up by itself long before
_FOLDER = "/opt/.letterbox-trial"
_CURRENT = f"{layout.BUCKET_PROGRAM}/current"
_SANDBOX = (
    "DynamicUser=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "IPAddressDeny=link-local",
    "IPAddressDeny=multicast",
    "MemoryMax=512M",
    f"RuntimeMaxSec={_SECONDS}",
)

THROUGH_SOCKET = f"""\
import dataclasses, json, sys
sys.path.insert(0, "{_CURRENT}/lib")
from receiver.bucket.client import Client
try: links = Client("{layout.BUCKET_SOCKET}", 30).check()
except OSError as error: sys.exit(f"the service of the bucket does not answer: {{error}}")
print(json.dumps({{"links": [dataclasses.asdict(each) for each in links]}}))
"""
"""Python for the host: the same check by the service that runs there, with its key and in its sandbox."""

SERVICE_CHECK = f"python3 -I -c {shlex.quote(THROUGH_SOCKET)}"


def from_here(config: str, pair: str) -> Answer:
    """Try it from this machine. Raises DeployError if the program cannot be installed here."""
    variables = environment(BUCKET, "tries the bucket")
    with tempfile.TemporaryDirectory(prefix="letterbox-trial-") as folder:
        file = Path(folder, "bucket.toml")
        file.write_text(config)
        words = ("--config", str(file), "--key-from-stdin", "check", "--json")
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-S", "-m", BUCKET.folder.replace("/", "."), *words],
                cwd=folder,
                env=variables,
                input=f"{pair}\n",
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Answer(said=f"no answer in {_SECONDS} s")
    return parse_answer(done.stdout.splitlines(), done.stderr.splitlines())


def from_host(seen: Observed, wanted: WantedBucket) -> Answer:
    """Try it from this host: by the service that runs there if it is as it should be, else by the program.

    Raises DeployError if the program cannot be built.
    """
    if is_in_place(seen, wanted):
        return _run(StringCommand(SERVICE_CHECK))
    try:
        return _run(program_command(seen, wanted))
    except BuildError as error:
        raise DeployError(f"the program of the bucket cannot be built: {error}") from None


def is_in_place(seen: Observed, wanted: WantedBucket) -> bool:
    """Whether the service runs with what is wanted of it."""
    now, name = seen.bucket, layout.BUCKET_SERVICE
    return (
        now.program == wanted.program
        and now.config == wanted.config
        and bool(now.key)
        and wanted.key_stays(now.key)
        and now.runs(name)
        and now.runs(layout.BUCKET_SOCKET_UNIT)
        and name not in now.old
    )


def program_command(seen: Observed, wanted: WantedBucket) -> StringCommand:
    """The check by the program in a sandbox. The host gets the program unless it has it.

    The pair comes first on the standard input, and then the program. Raises BuildError.
    """
    there = seen.bucket.program == wanted.program
    packed = b"" if there else archive(Platform(seen.python, seen.machine), BUCKET)
    program = f"{_CURRENT if there else '$t'}/bin/{BUCKET.command}"
    sandbox = [f"-p {shlex.quote(each)}" for each in _SANDBOX]
    arguments = "--config $t/bucket.toml"
    if wanted.key is None:
        sandbox.append(f"-p LoadCredentialEncrypted=bucket:{layout.BUCKET_KEY}")
        key, stdin = "", "</dev/null"
    else:
        arguments += " --key-from-stdin"
        key, stdin = "read -r id && read -r secret || exit 1", ""
    text = base64.b64encode(wanted.config.encode()).decode()
    unpack = (
        "base64 -d > $t/archive",
        f"echo '{hashlib.sha256(packed).hexdigest()}  '$t/archive | sha256sum --quiet -c",
        "tar -xzf $t/archive -C $t --no-same-owner",
        "rm $t/archive",
    )
    lines = (
        "umask 022",
        key,
        "command -v systemd-creds >/dev/null || "
        "{ echo 'the key needs systemd-creds, which systemd 250 has: update the host' >&2; exit 1; }",
        f"find /opt -maxdepth 1 -name '{Path(_FOLDER).name}.*' -mmin +30 -exec rm -rf {{}} + 2>/dev/null",
        f"mkdir -p /opt && t=$(mktemp -d {_FOLDER}.XXXXXX) || exit 1",
        "trap 'rm -rf $t' EXIT",
        "trap 'exit 1' HUP INT TERM",
        f"chmod 755 $t && echo {text} | base64 -d > $t/bucket.toml || exit 1",
        "" if there else f"{{ {' && '.join(unpack)}; }} || exit 1",
        "if command -v restorecon >/dev/null; then restorecon -RF $t; fi",
        f"{'' if stdin else _HANDED_OVER}"
        f"systemd-run --quiet --pipe --wait --collect --service-type=exec {' '.join(sandbox)} "
        f"{program} {arguments} check --json {stdin}",
    )
    given = "" if wanted.key is None else f"{wanted.key}\n"
    return StringCommand(
        "sh -c",
        shlex.quote("\n".join(filter(None, lines))),
        _stdin=given + base64.encodebytes(packed).decode(),
    )


# printf of a shell is no process, so no argument of one holds the pair.
_HANDED_OVER = r"""printf '%s\n%s\n' "$id" "$secret" | """


def _run(command: StringCommand) -> Answer:
    host = context.host
    ready = for_any_shell(alone(command))
    _, output = host.run_shell_command(ready, _sudo=bool(host.data.get("_sudo")), **ready.connector_arguments)
    return parse_answer(output.stdout_lines, output.stderr_lines)
