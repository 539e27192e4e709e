"""What an answer of the store means: the message is at fault, or the bucket is."""

from __future__ import annotations

import errno

import pytest

from services.bucket.outcome import Kind, outcome

ANSWER = "Client error with status code: {} : <Error><Code>{}</Code></Error>"


@pytest.mark.parametrize(
    ("status", "name", "code"),
    [
        ("400 Bad Request", "EntityTooLarge", errno.EFBIG),
        ("413 Payload Too Large", "", errno.EFBIG),
        ("400 Bad Request", "KeyTooLongError", errno.ENAMETOOLONG),
        ("400 Bad Request", "InvalidRequest", errno.EIO),
        ("403 Forbidden", "AccessDenied", errno.EIO),
    ],
)
def test_a_message_that_the_store_cannot_hold_is_told_from_a_bucket_that_is_wrong(
    status: str, name: str, code: int
) -> None:
    found = outcome(OSError(ANSWER.format(status, name)))
    assert (found.kind, found.code) == (Kind.REFUSED, code)
