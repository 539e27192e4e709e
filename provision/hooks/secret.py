"""The secrets of a hook: handed over by the environment, or made here, and encrypted for the host.

None is ever in a command, in the plan, in the log of the host, or on a disk of the control machine. One that
is made here is shown once, because the target needs it to check signatures.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets

import click
from pyinfra import logger
from pyinfra.api.command import StringCommand
from pyinfra.api.host import Host
from pyinfra.api.state import State

from dns.inventory.hooks.values import Hook
from provision.desired import credential
from provision.desired.hooks import BASIC, SECRET
from provision.host import layout
from provision.run.step import alone, for_any_shell, forget

_PREFIX = "whsec_"
_OCTETS = range(24, 65)  # Standard Webhooks, "Signature scheme"


def given(hook: Hook, kind: str) -> str | None:
    """What the environment hands over of this kind. None if it says nothing; empty if it is to go."""
    value = os.environ.get(hook.variable(kind.upper()))
    return None if value is None else value.strip()


def problem(hook: Hook) -> str:
    """What is wrong with the secrets that the environment has for this hook, with the fix. Empty if nothing.

    The text has no secret in it.
    """
    secret, basic = given(hook, SECRET), given(hook, BASIC)
    if secret and not all(map(_is_secret, secret.split())):
        return (
            f"{hook.variable('SECRET')} is not {_PREFIX} and the base64 of {_OCTETS[0]} to {_OCTETS[-1]} "
            f"octets: make one with `echo {_PREFIX}$(openssl rand -base64 32)`, or unset it to have one made"
        )
    if basic and (basic.find(":") < 1 or not basic.isprintable()):
        return f"{hook.variable('BASIC')} is not of the form user:password: write it so, or unset it"
    if hook.command and (secret or basic):
        kind = "SECRET" if secret else "BASIC"
        return f"{hook.variable(kind)} is set, but hook {hook.name} runs a command, which has none: unset it"
    return ""


def _is_secret(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(_PREFIX) and len(key) in _OCTETS


def encrypted(name: str, kind: str, value: str) -> StringCommand:
    """Encrypt a secret of a hook for this host."""
    return credential.encrypted(f"{layout.HOOKS_FOLDER}/{name}.{kind}", kind, value)


def make(state: State, host: Host, name: str) -> bool:
    """Make the key that signs, show it, and bring it to the host. Returns whether the run may go on.

    It is shown first: a run that is cut off after that makes another, and shows that.
    """
    value = _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    logger.info(
        f"{host.print_prefix}hook {name}: the target checks the signatures with this secret, which is"
    )
    logger.info(f"{host.print_prefix}not shown again: {click.style(value, bold=True)}")
    command = for_any_shell(alone(encrypted(name, SECRET, value)))
    done, output = host.run_shell_command(
        command, _sudo=bool(host.data.get("_sudo")), **command.connector_arguments
    )
    forget()
    if not done:
        said = "; ".join(output.stderr_lines[-3:]) or "the host gave no reason"
        logger.error(f"{host.print_prefix}the secret did not get to the host ({said}): run it again")
    return bool(done)
