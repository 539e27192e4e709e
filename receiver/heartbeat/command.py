"""`letterbox heartbeat-look`: what `services/heartbeat` asks about the mail folder, by lines of JSON.

First it prints a line: `address`, a one-time address that exists as long as the command runs, `hostname`,
`starttls` (whether the service should offer it), and `findings`. Then it takes lines with the `content` of a
message that was answered 250, finds the message as a file, removes it, and prints a finding. Its unit runs it
for each connection to its socket, as the service's user, without a network, and without any mail of people.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from receiver import one_time
from receiver.cli import configuration
from receiver.cli.command import print_json, run_command
from receiver.config.load import ConfigError, load
from receiver.config.values import Config
from receiver.doctor import disk
from receiver.heartbeat import bucket, hooks, mailbox
from receiver.heartbeat.finding import Finding
from receiver.system import privileges

_LONGEST = 65_536  # octets of a request


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code. `argv` has the arguments that follow its name."""
    parser = argparse.ArgumentParser(
        prog="letterbox heartbeat-look",
        description="Answer the heartbeat about the mail folder, on standard input and output. Its unit runs "
        "this: letterbox-heartbeat-look.socket.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", default=configuration.PATH)
    arguments = parser.parse_args(argv)
    return run_command(lambda: _look(arguments.config))


def _look(path: Path) -> int:
    try:
        config = load(path)
        domain = _domain(config)
    except (ConfigError, LookupError) as error:
        print_json({"findings": [Finding("configuration", False, str(error).splitlines()[0]).to_json()]})
        return 1
    box = config.mail / domain / one_time.HEARTBEAT_MAILBOX
    local = one_time.new_local_part("heartbeat")
    privileges.give_up(privileges.owner(box))  # Its unit does not start it as root.
    found = [*_swept(box), *_findings(config, box)]
    try:
        with one_time.open_address(config.heartbeat, local, domain, box):
            print_json(
                {
                    "address": f"{local}@{domain}",
                    "hostname": config.hostname,
                    "starttls": config.tls is not None,
                    "findings": [each.to_json() for each in found],
                }
            )
            for line in iter(lambda: sys.stdin.readline(_LONGEST), ""):
                print_json(_taken(box, line).to_json())
    finally:
        _swept(box)
    return 0


def _swept(box: Path) -> list[Finding]:
    """Remove what earlier runs have left. Returns a finding only if that cannot be done."""
    try:
        if count := mailbox.sweep(box):
            print(f"letterbox: removed {count} test message(s) that a run has left", file=sys.stderr)
    except OSError as error:
        return [Finding("mailbox", False, f"{box} cannot be cleared: {error.strerror}")]
    return []


def _domain(config: Config) -> str:
    """The first domain whose Maildir for test messages this process can see. Raises LookupError."""
    for domain in config.domains:
        if (config.mail / domain.name / one_time.HEARTBEAT_MAILBOX).is_dir():
            return domain.name
    raise LookupError(f"no domain has the folder {one_time.HEARTBEAT_MAILBOX} for test messages: deploy")


def _findings(config: Config, box: Path) -> list[Finding]:
    # The sandbox hides the mail folder itself. The Maildir for test messages is on the same file system.
    space = disk.check_space(replace(config, mail=box))
    found = [Finding("disk", space.holds, space.evidence)]
    if config.hooks:
        found.append(hooks.check(config.mail, [each.name for each in config.hooks], time.time()))
    if config.store:
        found.append(bucket.waiting(config.mail, time.time()))
        if config.store.waits_for_bucket:
            found.append(bucket.answers(config.store.socket))
    return found


def _taken(box: Path, line: str) -> Finding:
    try:
        return mailbox.take(box, str(json.loads(line)["content"]).encode())
    except (ValueError, KeyError, TypeError):
        return Finding(mailbox.NAME, None, "the request is not understood")
    except OSError as error:
        return Finding(mailbox.NAME, False, f"cannot be read or removed: {error.strerror}")
