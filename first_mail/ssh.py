"""Running a program on a host of the inventory over ssh, as root, with the inventory's ssh settings."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dns.errors import HostUnreadable
from dns.inventory import MailHost, host_shell
from dns.inventory.over_ssh import ssh_arguments

__all__ = ["HostUnreadable", "as_root", "begun", "no_answer", "run", "running"]

_NOT_CONNECTED = 255
"""The exit code of ssh(1) for its own errors. Any other is that of the program on the host."""
_END_SECONDS = 10
_GREETING_LENGTH = 4096
"""How much of what a login shell prints is kept, to be shown."""


def as_root(host: MailHost, command: Sequence[str]) -> list[str]:
    """The ssh command that runs this on the host as root, through `sudo -n` if another user connects."""
    script = host_shell.as_root(shlex.join(command))
    return [*ssh_arguments(host.name, host.ssh), host_shell.through_any_shell(script)]


def run(host: MailHost, command: Sequence[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run it to its end, whatever its exit code.

    Raises HostUnreadable if ssh cannot connect, or if it does not end within `seconds`.
    """
    try:
        done = subprocess.run(
            as_root(host, command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise _no_ssh(host) from None
    except subprocess.TimeoutExpired:
        raise HostUnreadable(f"host {host.name}: {command[0]} did not end within {seconds:g} s") from None
    if done.returncode == _NOT_CONNECTED:
        raise no_answer(host, command[0], done.returncode, done.stderr)
    try:
        done.stdout = host_shell.answer(done.stdout)
    except ValueError as error:
        raise HostUnreadable(f"host {host.name}: {error}") from None
    return done


@contextmanager
def running(host: MailHost, command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """The program while it runs, line by line, from `begun` on. It must end when its standard input does.

    Its input ends with this context, and with this process, however that ends. Ctrl-C is not passed on: the
    program learns of it by the end of its input. Raises HostUnreadable if there is no ssh here.
    """
    try:
        process = subprocess.Popen(
            as_root(host, command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise _no_ssh(host) from None
    with process:
        try:
            yield process
        finally:
            if process.stdin and not process.stdin.closed:
                process.stdin.close()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def begun(host: MailHost, process: subprocess.Popen[str], program: str) -> None:
    """Wait until the program begins, past what the login shell prints. Raises HostUnreadable if it does not.

    The next line of its output is then its own.
    """
    assert process.stdout is not None and process.stderr is not None
    printed = ""
    for line in process.stdout:
        if line == f"{host_shell.MARK}\n":
            return
        printed += line[: max(0, _GREETING_LENGTH - len(printed))]
    if code := process.wait():
        raise no_answer(host, program, code, process.stderr.read())
    try:
        host_shell.answer(printed)
    except ValueError as error:
        raise HostUnreadable(f"host {host.name}: {error}") from None


def no_answer(host: MailHost, program: str, code: int, stderr: str) -> HostUnreadable:
    """Why a program on the host gave no answer: ssh could not connect, or the program failed."""
    lines = stderr.strip().splitlines()
    if code == _NOT_CONNECTED:
        reason = lines[-1].strip() if lines else "ssh gave no reason"
        return HostUnreadable(
            f"host {host.name}: cannot be reached over ssh ({reason}): see that `ssh {host.name}` works"
        )
    reason = lines[-1].strip() if lines else f"exit code {code}, without a reason"
    return HostUnreadable(f"host {host.name}: {program} failed: {reason.removeprefix(f'{program}: ')}")


def _no_ssh(host: MailHost) -> HostUnreadable:
    return HostUnreadable(f"host {host.name}: there is no ssh on this machine: install OpenSSH")
