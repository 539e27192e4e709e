"""A message as the object of `show --json`, which the hooks send too. Pure."""

from __future__ import annotations

from receiver.content.message import Content
from receiver.headers import Fields
from receiver.reading.summary import Summary


def to_json(short: Summary, holds: Content, fields: Fields | None = None) -> dict[str, object]:
    """The object of `show --json`: that of `list --json`, and the content. Keys are only ever added."""
    more: dict[str, object] = {
        **_text_and_files(holds),
        "links": list(holds.links),
        "parts": [
            {"name": leaf.name, "type": leaf.type, "encoded_size": leaf.encoded_size, "shown": leaf.shown}
            for leaf in holds.leaves
        ],
        "notes": list(holds.notes),
    }
    if fields is not None:
        more["headers"] = [[name, fields.decode(value)] for name, value in fields.all]
    return {**short.to_json(), **more}


def _text_and_files(holds: Content) -> dict[str, object]:
    return {
        "text": holds.text,
        "attachments": [
            {"name": each.name, "type": each.type, "encoded_size": each.encoded_size}
            for each in holds.attachments
        ],
        "inside": [
            {
                **{name.lower(): value for name, value in each.fields.items()},
                "attached": each.attached,
                **_text_and_files(each.content),
            }
            for each in holds.inside
        ],
    }
