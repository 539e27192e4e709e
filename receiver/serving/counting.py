"""Counting the mailboxes with a quota again and again, in one thread of the first worker.

A mailbox is counted every minute. If counting all of them takes long, the pause is twenty times as long as
the count. So what is known of a mailbox is at most a minute old, or 21 times as old as a count takes, but for
what was stored meanwhile, which is added at once.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from receiver.keeping.quotas import Quotas
from receiver.keeping.usage import Counter
from receiver.mailbox import Mailbox
from receiver.system.journal import log

_EVERY = 60.0  # seconds between counts
_SHARE = 20  # The pause is at least so many times as long as a count.


async def count_regularly(mail: Path, quotas: Quotas, every: float = _EVERY) -> None:
    """Count until the task is cancelled. An error is logged once, until the mailbox can be read again."""
    loop, counter = asyncio.get_running_loop(), Counter(mail)
    unreadable: set[Mailbox] = set()
    threads = ThreadPoolExecutor(1, "quota")
    try:
        while True:
            began = time.monotonic()
            for mailbox in quotas.limits:
                stored = quotas.stored_so_far(mailbox)
                try:
                    octets = await loop.run_in_executor(threads, counter.octets, mailbox)
                except Exception as error:  # A mailbox that is never counted again would stay full.
                    quotas.set_unknown(mailbox)
                    if mailbox not in unreadable:
                        unreadable.add(mailbox)
                        log("error", quota=mailbox, error=error, note="it takes mail until it can be counted")
                    continue
                unreadable.discard(mailbox)
                quotas.set_counted(mailbox, octets, stored)
            await asyncio.sleep(max(every, _SHARE * (time.monotonic() - began)))
    finally:
        counter.stop()
        threads.shutdown(wait=False, cancel_futures=True)
