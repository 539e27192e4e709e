"""The JSON body that a hook posts. Pure.

It has the form that Standard Webhooks recommends. Keys are only ever added.

| key | what it is |
| --- | --- |
| `id` | the id of this delivery, as in the header `webhook-id`: the same at each try |
| `type` | `mail.received` |
| `timestamp` | when the message arrived, as RFC 3339 in UTC |
| `data` | the message: the keys below, and all keys of `letterbox show --json` but `path` (docs/reading.md) |
| `data.id` | the identity in the 250 reply and in the log, which `letterbox show` takes |
| `data.envelope.from` | the reverse path; empty for a bounce |
| `data.envelope.to` | the recipient as the sender wrote it |
| `data.envelope.mailbox`, `data.mailbox` | the mailbox that got it; null if the hook has it no more |
| `data.raw` | the whole message in base64, with our fields above it; null if it is larger than `max_raw` |
| `data.raw_size` | its size in octets, whether it is there or not |
| `data.truncated` | whether `text`, `inside` or the lists were cut, to keep all but `raw` below 4 MiB |

If a message cannot be read at all, `data` has `id`, `arrived`, `mailbox`, `size`, `envelope`, `raw`,
`raw_size`, `truncated` (true) and `notes`, which says so. The text is UTF-8, and a lone surrogate is U+FFFD.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from receiver import headers
from receiver.content import content
from receiver.content.mime import Buffer
from receiver.reading import message_json, summary
from services.hooks.messages.envelope import Envelope, envelope, file_of

TYPE = "mail.received"
MOST = 4_194_304  # octets of the description without the raw message
_FEW_TEXT, _FEW_ENTRIES, _FEW_CHARACTERS = 262_144, 100, 200
_SURROGATES = re.compile("[\ud800-\udfff]")
_UNREAD = "the message could not be read, and is described by its envelope alone"
_CUT = "the description was too long and was cut: the raw message has all of it"


def describe(octets: Buffer, head: bytes, name: str, mailbox: str, max_raw: int) -> bytes:
    """The body for a message to a mailbox. `head` is its header section, NAME its entry in the queue."""
    found = envelope(head, name, mailbox)
    file = file_of(name, "", mailbox)
    short = summary.summary(file, headers.parse_fields(head), len(octets))
    data = message_json.to_json(short, content.read(octets))
    data.pop("path")
    data["mailbox"] = mailbox or None
    return _body(name, short.stored.arrived, data, found, octets, max_raw)


def without_content(octets: Buffer, found: Envelope, name: str, max_raw: int) -> bytes:
    """The body for a message whose content cannot be read."""
    file = file_of(name, "", found.mailbox)
    data = {
        "id": file.identity,
        "arrived": summary.timestamp(file.arrived),
        "mailbox": found.mailbox or None,
        "size": len(octets),
        "truncated": True,
        "notes": [_UNREAD],
    }
    return _body(name, file.arrived, data, found, octets, max_raw)


def _body(
    name: str, arrived: int, data: dict[str, Any], found: Envelope, octets: Buffer, max_raw: int
) -> bytes:
    raw = base64.b64encode(bytes(octets)).decode() if len(octets) <= max_raw else None
    more = {
        "envelope": {"from": found.sender, "to": found.recipient, "mailbox": found.mailbox or None},
        "raw": raw,
        "raw_size": len(octets),
        "truncated": data.get("truncated", False),
    }
    event = {"id": name, "type": TYPE, "timestamp": summary.timestamp(arrived), "data": {**data, **more}}
    encoded = _encoded(event)
    if len(encoded) - len(raw or "") > MOST:
        event["data"] = {**_cut(data), **more, "truncated": True}
        encoded = _encoded(event)
    return encoded


def _encoded(event: Mapping[str, Any]) -> bytes:
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", json.dumps(event, ensure_ascii=False)).encode()


def _cut(data: Mapping[str, Any]) -> dict[str, Any]:
    """The description with a short text, without messages inside, and with the first entries of each list."""
    cut: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, str):
            cut[key] = value[: _FEW_TEXT if key == "text" else headers.LONGEST]
        elif isinstance(value, list):
            cut[key] = [] if key == "inside" else [_short(each) for each in value[:_FEW_ENTRIES]]
        else:
            cut[key] = value
    cut["notes"] = [*cut.get("notes", ()), _CUT]
    return cut


def _short(entry: Any) -> Any:
    if isinstance(entry, dict):
        return {key: _short(value) for key, value in entry.items()}
    return entry[:_FEW_CHARACTERS] if isinstance(entry, str) else entry
