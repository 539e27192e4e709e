"""The unit that gets and renews a host's certificate, with a user, a program and a token of its own.

It is no part of a generation: a roll-back brings no old certificate back. Its service is the first file that
is written and the last one that is removed, so a run that was cut off is seen by the next one.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

from pyinfra import logger
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.host import Host
from pyinfra.api.state import State

from provision.desired import archive
from provision.desired.credential import encrypted
from provision.desired.files import sha256, unit_commands
from provision.desired.renewal import WantedRenewal
from provision.host import layout
from provision.host.observed import Observed
from provision.host.services.renewal import Renewal
from provision.release import program_commands
from provision.run.step import Command

CREDENTIAL = "cloudflare-token"
_USER, _STATE = layout.CERTIFICATE_USER, layout.CERTIFICATE_STATE


def commands(seen: Observed, wanted: WantedRenewal | None) -> Iterator[Command]:
    """Make what is missing, or take all of it away. Raises DeployError if the program cannot be built."""
    now = seen.renewal or Renewal()
    if wanted is None:
        if seen.renewal is not None:
            yield removal()
        return
    changed = now.service != sha256(wanted.service)
    if changed:
        yield from unit_commands(seen, layout.CERTIFICATE_SERVICE, wanted.service)
    if not now.has_user:
        yield StringCommand(
            f"useradd --system --user-group --home-dir {_STATE} --no-create-home --shell /usr/sbin/nologin "
            f"--comment 'Letterbox certificate' {_USER}"
        )
    if now.program != wanted.program:
        yield from program_commands(
            seen, archive.RENEWAL, wanted.program,
            into=layout.RENEWAL_PROGRAM, called="the program that renews the certificate",
        )  # fmt: skip
    if wanted.token is not None and now.token != sha256(wanted.token):
        yield encrypted(layout.CERTIFICATE_TOKEN, CREDENTIAL, wanted.token)
    if now.timer != sha256(wanted.timer):
        yield from unit_commands(seen, layout.CERTIFICATE_TIMER, wanted.timer)
    key = (seen.link_to(layout.KEY_IN_USE) or "").rpartition("/")[2]
    linked = now.link == f"{_STATE}/{key}/certificate.pem"
    if not linked:
        yield StringCommand("sh -c", shlex.quote(_LINK))
    if changed or now.timer != sha256(wanted.timer) or now.needs_reload:
        yield StringCommand("systemctl daemon-reload")
    if not now.runs:
        yield StringCommand(f"systemctl enable -q --now {layout.CERTIFICATE_TIMER}")
    if changed or not linked or now.state.get("succeeded") is not True:
        yield FunctionCommand(start, (), {})


# What lies in the user's folder is only written and read as that user, so that a link in it leads nowhere.
# What lies there already stays if it is still good for the key.
_LINK = f"""\
set -eu
cd /
id=$(basename "$(readlink {layout.KEY_IN_USE})")
own={layout.KEY_FOLDERS}/$id/certificate.pem theirs={_STATE}/$id/certificate.pem
as() {{ runuser -u {_USER} -- "$@"; }}
install -d -o {_USER} -g {_USER} -m 755 {_STATE}
as mkdir -p -m 755 "{_STATE}/$id"
key() {{ openssl x509 -noout -pubkey -checkend 0 2>/dev/null; }}
there=$(as cat "$theirs" 2>/dev/null | key) || there=
if [ -z "$there" ] || [ "$there" != "$(key < "$own")" ]; then
  as sh -c 'umask 022; cat > "$1.new" && mv -fT "$1.new" "$1"' sh "$theirs" < "$own"
fi
ln -sfnT "$theirs" "$own.new"
mv -fT "$own.new" "$own"
as find {_STATE} -mindepth 1 -maxdepth 1 -type d ! -name "$id" -exec rm -rf {{}} +
"""


def removal() -> StringCommand:
    """Take the unit, its program, its token, its account and its user away. The certificate itself stays."""
    shell = f"""\
set -u
systemctl disable -q --now {layout.CERTIFICATE_TIMER}
systemctl stop {layout.CERTIFICATE_SERVICE}
for own in {layout.KEY_FOLDERS}/*/certificate.pem; do
  case $(readlink "$own") in {_STATE}/*) ;; *) continue;; esac
  umask 022
  if runuser -u {_USER} -- cat "$(readlink "$own")" > "$own.new" && openssl x509 -in "$own.new" -noout
  then mv -fT "$own.new" "$own"; else rm -f "$own.new" "$own"; fi
done
if id -u {_USER} >/dev/null 2>&1; then userdel {_USER}; fi
rm -rf {layout.RENEWAL_PROGRAM} {_STATE} {layout.CERTIFICATE_TOKEN} {layout.CERTIFICATE_TOKEN}.* \
  {layout.UNIT_FOLDER}/{layout.CERTIFICATE_TIMER}
rm -f {layout.UNIT_FOLDER}/{layout.CERTIFICATE_SERVICE}
systemctl daemon-reload"""
    return StringCommand("sh -c", shlex.quote(shell))


def start(state: State, host: Host) -> bool:
    """Let the unit get the certificate now. If it cannot, that is said, and the deploy goes on.

    The service takes a new certificate at the next connection. It is told at once, so that the next deploy
    finds that it has it.
    """
    command = (
        f"if systemctl start {layout.CERTIFICATE_SERVICE}; then systemctl reload {layout.SERVICE_UNIT}; "
        f"else cat {_STATE}/state.json; exit 1; fi"
    )
    done, output = host.run_shell_command(
        StringCommand("sh -c", shlex.quote(command)), _sudo=bool(host.data.get("_sudo"))
    )
    if not done:
        try:
            why = str(json.loads("\n".join(output.stdout_lines))["outcome"])
        except (ValueError, KeyError, TypeError):
            why = f"see `journalctl -u {layout.CERTIFICATE_SERVICE}` on the host"
        logger.warning(f"{host.print_prefix}the certificate was not renewed, and the one in use stays: {why}")
    return True
