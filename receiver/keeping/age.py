"""When a message arrived. Pure.

The receiver writes the time of arrival into the name of the file, and clients leave that part of the name
alone. A message that bears another program's name was copied, moved or imported. Its file has the time of
arrival as its time of modification, as IMAP servers keep INTERNALDATE.
"""

from __future__ import annotations

from receiver import maildir

DAY = 86_400  # seconds
_FIRST_RECEIVER = 1_577_836_800  # 2020: there was no Letterbox before
_FIRST_MAIL = 378_691_200  # 1982, the year of RFC 821


def in_name(name: str) -> float | None:
    """The time of arrival in a name that the receiver gave, in seconds since 1970. None for other names."""
    return float(name.partition(".")[0]) if maildir.identity(name) else None


def is_credible(name: str, arrived: float) -> bool:
    """Whether a message can have arrived then. A clock that has not been set begins in 1970 or 2000."""
    return arrived >= (_FIRST_MAIL if in_name(name) is None else _FIRST_RECEIVER)
