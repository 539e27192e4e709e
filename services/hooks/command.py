"""`python -m services.hooks`: the command line, and the parts of a hook put together."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from receiver.system.journal import in_background
from services.hooks import configuration, credentials
from services.hooks.configuration import Url
from services.hooks.delivering import Attempt, Deliveries
from services.hooks.errors import HookError
from services.hooks.messages import reader
from services.hooks.messages.envelope import boxes
from services.hooks.messages.reader import Reader
from services.hooks.queue import Queue
from services.hooks.running import Runner
from services.hooks.url.posting import Poster

PROGRAM = "letterbox-hook"
REQUESTS = 4  # under way at once
COMMANDS = 1  # A command need not be able to run beside itself.
_READ = "--read-messages"


def main(argv: Sequence[str]) -> int:
    """Deliver until SIGTERM or SIGINT. Returns the exit code."""
    given = _arguments(argv)
    if given.read_messages:
        return reader.serve()
    try:
        hook = configuration.load(given.config)
        secrets = credentials.load(given.credentials) if isinstance(hook, Url) else credentials.Credentials()
    except HookError as error:
        return _report(error, os.EX_CONFIG)
    waiting = Queue(given.queue)
    try:
        waiting.lock()
    except HookError as error:
        return _report(error, 1)
    describing = running = None
    known = boxes(hook.mailboxes)
    attempt: Attempt
    if isinstance(hook, Url):
        if hook.form == "json":
            describing = Reader([sys.executable, *sys.orig_argv[1:], _READ], hook.max_raw, known)
        attempt = Poster(hook, secrets, describing)
    else:
        attempt = running = Runner(hook.words, known)
    deliveries = Deliveries(waiting, attempt, REQUESTS if isinstance(hook, Url) else COMMANDS)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: deliveries.end())
    code = 0
    try:
        with in_background():  # A journal that takes no lines holds up no message.
            deliveries.run()
    except OSError as error:
        code = _report(HookError(f"{error.filename}: {error.strerror}: deploy again, which makes it"), 1)
    if running:
        running.end()
    sys.stderr.flush()
    # Tries that are still under way are threads that would hold up the end of this process.
    os._exit(code)


def _report(error: HookError, code: int) -> int:
    for problem in error.problems:
        print(f"{PROGRAM}: {problem}", file=sys.stderr)
    return code


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Deliver the messages in the queue of a hook to its URL or its command, at least once.",
        epilog="exit codes: 0 ended by SIGTERM or SIGINT; 1 the queue is missing, or another process serves "
        "it; 2 wrong arguments; 78 the configuration or the secret is wrong",
        allow_abbrev=False,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the hook (TOML)")
    parser.add_argument(
        "--queue", type=Path, required=True, metavar="FOLDER", help="its queue, with pending/ and dead/"
    )
    parser.add_argument(
        "--credentials",
        default=os.environ.get("CREDENTIALS_DIRECTORY"),
        metavar="FOLDER",
        help="holds secret (whsec_…) and perhaps basic (default: $CREDENTIALS_DIRECTORY)",
    )
    parser.add_argument(_READ, action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(argv)
