"""A secret on a host: encrypted for this host alone (systemd-creds(1)), and handed to one unit by systemd."""

from __future__ import annotations

import shlex

from pyinfra.api.command import StringCommand


def encrypted(path: str, name: str, value: str) -> StringCommand:
    """Encrypt a secret for this host, to be loaded as the credential `name`.

    It comes over the standard input. The host makes its digest as well, in `path.sha256`, which only root may
    read. In an argument it could be seen, and a password could be guessed from it.
    """
    shell = (
        "umask 077",
        "if ! command -v systemd-creds >/dev/null; then "
        "echo 'a secret needs systemd-creds, which systemd 250 has' >&2; exit 1; fi",
        "value=$(cat)",
        # The key lies on the host: one in a TPM would be lost with a change of the firmware.
        f'printf %s "$value" | systemd-creds encrypt --with-key=host --name={name} - {path}.new',
        f"chown root:root {path}.new",
        f"mv -fT {path}.new {path}",
        f'printf %s "$value" | sha256sum | cut -c1-64 > {path}.sha256',
        f"sync {path} {path}.sha256",
    )
    return StringCommand("sh -c", shlex.quote(" && ".join(shell)), _stdin=value)
