"""A message in the bucket, on a real store: the object, several copies, large content, and who came first."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from receiver.bucket import keys
from receiver.bucket.client import Client, Content
from receiver.bucket.protocol import Copy
from receiver.mailbox import Mailbox
from tests.services.bucket.messages import TRACE, content, copy, file_name, objects, put


def until_done(store: Callable[[], list[str]]) -> list[str]:
    """Try again as a sender does: a busy machine may need longer than the deadline for much content."""
    for _ in range(5):
        with suppress(TimeoutError):
            return store()
    return store()


def test_the_object_is_the_file_as_it_would_lie_in_the_maildir(client: Client, bob: Mailbox) -> None:
    message, name = content(), file_name()
    (tail,) = put(client, message, bob, name=name, sender="authentic")
    ((key, octets),) = objects(client, bob.domain).items()
    assert octets == copy(bob).fields + TRACE + message
    parsed = keys.parse(key)
    assert parsed and parsed.tail == tail and parsed.mailbox == bob
    head = client.head(key)
    assert (head.name, head.sender, head.size) == (name, "authentic", len(octets))


def test_a_message_that_comes_again_is_one_object_whatever_our_trace_says(
    client: Client, bob: Mailbox
) -> None:
    message = content()
    first = put(client, message, bob)
    assert put(client, message, bob, trace=TRACE.replace(b"(Letterbox)", b"(other)")) == first
    assert len(objects(client, bob.domain)) == 1


def test_equal_messages_without_a_message_id_are_two(client: Client, bob: Mailbox) -> None:
    message = content(message_id="")
    one, two = file_name(), file_name()
    tails = put(client, message, bob, name=one) + put(client, message, bob, name=two)
    assert len(set(tails)) == len(objects(client, bob.domain)) == 2
    assert put(client, message, bob, name=two) == tails[1:], "the same message, tried again"
    assert len(objects(client, bob.domain)) == 2


def test_the_same_message_from_another_sender_is_another_message(client: Client, bob: Mailbox) -> None:
    message, mine = content(), copy(bob)
    other = Copy(bob, mine.fields.replace(b"<a@", b"<b@"))
    put(client, message, [mine])
    put(client, message, [other])
    assert len(objects(client, bob.domain)) == 2


@pytest.mark.parametrize(
    ("first", "then", "kept"),
    [
        ("unknown", "authentic", ["unknown"]),  # temperror, then pass
        ("authentic", "unknown", ["authentic"]),
        ("authentic", "forged", ["authentic"]),
        ("forged", "forged", ["forged"]),
        ("unknown", "forged", ["unknown"]),
        ("forged", "unknown", ["forged"]),
        ("forged", "authentic", ["forged", "authentic"]),  # A forger who came first hides nobody.
    ],
)
def test_the_verdicts_of_the_same_message(
    client: Client, bob: Mailbox, first: str, then: str, kept: list[str]
) -> None:
    message = content()
    put(client, message, bob, sender=first)  # type: ignore[arg-type]
    tails = put(client, message, bob, sender=then)  # type: ignore[arg-type]
    put(client, message, bob, sender=then)  # type: ignore[arg-type]
    assert sorted(client.head(key).sender for key in objects(client, bob.domain)) == sorted(kept)
    assert tails[0].endswith("A") is (len(kept) == 2)


def test_a_thousand_copies_are_each_there(client: Client, bob: Mailbox) -> None:
    boxes = [Mailbox(bob.domain, f"user {number} ünï%") for number in range(1000)]
    message = content(300)
    tails = until_done(lambda: put(client, message, [copy(each) for each in boxes]))
    assert len(tails) == 1000
    listed = [keys.parse(each.key) for each in client.list("")]
    listed = [each for each in listed if each and each.mailbox.domain == bob.domain]
    assert {each.mailbox for each in listed if each} == set(boxes)
    assert {each.tail for each in listed if each} == set(tails)


@pytest.mark.parametrize("size", [65_000, 66_000, 26_214_400])
def test_content_of_any_size_arrives(client: Client, bob: Mailbox, size: int) -> None:
    message = content(size)
    boxes = [bob, Mailbox(bob.domain, "alice")]
    until_done(lambda: put(client, message, [copy(each) for each in boxes]))
    expected = sorted(hashlib.sha256(copy(each).fields + TRACE + message).digest() for each in boxes)
    assert sorted(hashlib.sha256(each).digest() for each in objects(client, bob.domain).values()) == expected


def test_content_from_the_middle_of_a_file_has_the_same_tail(
    client: Client, bob: Mailbox, tmp_path: Path
) -> None:
    message = content(70_000)
    (tail,) = put(client, message, bob)
    staged = tmp_path / "staged"
    staged.write_bytes(copy(bob).fields + TRACE + message)
    fd = os.open(staged, os.O_RDONLY)
    whole = Content(fd, len(copy(bob).fields), len(TRACE + message))
    assert client.put(file_name(), [copy(bob)], whole, trace=len(TRACE)) == [tail]
    os.close(fd)
    assert len(objects(client, bob.domain)) == 1


def test_a_given_hour_is_in_the_key(client: Client, bob: Mailbox) -> None:
    message = content()
    client.put(file_name(), [copy(bob)], message, trace=0, hour="2026-11-20/07")
    (key,) = objects(client, bob.domain)
    assert key.startswith(f"2026-11-20/07/{bob.domain}/bob/H")
    assert key in [each.key for each in client.list("2026-11-20/07/")]
    assert not list(client.list("2026-11-20/08/"))


def test_a_listing_of_more_than_a_page_is_whole(client: Client, bob: Mailbox) -> None:
    copies = [copy(Mailbox(bob.domain, f"user{number}")) for number in range(1100)]
    message = content()
    for at in range(0, 1100, 100):
        store = partial(
            client.put, file_name(), copies[at : at + 100], message, trace=0, hour="2026-11-21/07"
        )
        until_done(store)
    listed = [each.key for each in client.list("2026-11-21/07/")]
    assert len(listed) == 1100 and listed == sorted(listed)
    assert [each.key for each in client.list("2026-11-21/07/", listed[500])] == listed[501:]


@pytest.mark.parametrize("key", ["2026-11-20/07/example.com/bob/M1P2Q3R4", "a//b", "../x", ""])
def test_what_is_not_there_is_said_so(client: Client, key: str) -> None:
    with pytest.raises(FileNotFoundError):
        client.get(key)
    with pytest.raises(FileNotFoundError):
        client.head(key)


def test_a_name_that_is_too_long_for_a_key_is_refused(client: Client, bob: Mailbox) -> None:
    with pytest.raises(OSError) as refused:
        put(client, content(), [copy(Mailbox(bob.domain, "ü" * 127))])
    assert refused.value.errno == errno.ENAMETOOLONG
