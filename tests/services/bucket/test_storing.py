"""A message in the bucket, on a real store."""

from __future__ import annotations

from receiver.bucket import keys
from receiver.bucket.client import Client
from tests.services.bucket.messages import TRACE, content, copy, file_name, put


def objects(client: Client) -> dict[str, bytes]:
    """All objects, by key."""
    found = {}
    for each in client.list(""):
        head, file = client.get(each.key)
        with file:
            found[each.key] = file.read()
        assert len(found[each.key]) == each.size == head.size
    return found


def test_the_object_is_the_file_as_it_would_lie_in_the_maildir(client: Client) -> None:
    message, name = content(), file_name()
    (tail,) = put(client, message, name=name, sender="authentic")
    ((key, octets),) = objects(client).items()
    assert octets == copy().fields + TRACE + message
    parsed = keys.parse(key)
    assert parsed and parsed.tail == tail and parsed.mailbox == copy().mailbox
    head = client.head(key)
    assert (head.name, head.sender, head.size) == (name, "authentic", len(octets))
