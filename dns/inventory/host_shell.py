"""The one form in which this machine runs something on a host over ssh.

The login shell of the user may be no POSIX shell, and may print a greeting first. So a command is handed to
sh(1) as it is, and its answer begins after a mark.
"""

from __future__ import annotations

import base64

MARK = "##letterbox-answer##"


def through_any_shell(script: str) -> str:
    """One line that runs a script of sh(1) whatever the login shell is. Its standard input is the script's.

    fish and csh read backslashes, exclamation marks and newlines inside single quotes in other ways than
    POSIX shells do. The line has none of these.
    """
    encoded = base64.b64encode(f"echo '{MARK}'\n{script}".encode()).decode()
    return f"exec sh -c 'eval \"$(echo {encoded} | base64 -d)\"'"


def as_root(command: str) -> str:
    """A script of sh(1) that becomes the command as root, through `sudo -n` if another user has connected."""
    return f"if [ $(id -u) -eq 0 ]; then exec {command}; else exec sudo -n {command}; fi"


def answer(printed: str) -> str:
    """What the script has printed, without what was printed before it began.

    Raises ValueError, with the fix, if it has not begun: something else took its place.
    """
    before, mark, after = printed.partition(f"{MARK}\n")
    if mark:
        return after
    said = next((line.strip() for line in before.splitlines() if line.strip()), "")
    if not said:
        raise ValueError("the login shell ran nothing: see that `ssh HOST echo yes` prints yes")
    raise ValueError(
        f"in place of an answer the host printed {said[:80]!r}: see that `ssh HOST echo yes` prints yes, and "
        "put `[ -t 0 ] || return` on the first line of what greets (~/.bashrc), or `chsh` to a shell"
    )
