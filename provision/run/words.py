"""What pyinfra says in words that tell a user nothing, said otherwise."""

from __future__ import annotations

import logging
import re

from pyinfra import logger

_COUNTED = re.compile(r"executed \d+ commands")


class _OtherWords(logging.Filter):
    """After a command has failed, and said why, pyinfra counts the commands of the step before it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = _COUNTED.sub("this step failed, and the lines above say why", str(record.msg))
        return True


def use() -> None:
    """Change the words for the rest of this run."""
    logger.addFilter(_OtherWords())
