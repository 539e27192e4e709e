"""Asking rspamd whether a message is spam, by HTTP over its Unix socket.

The admin of the host runs rspamd (rspamd.com/doc/developers/protocol.html). Whatever goes wrong with it, mail
is taken. The answer is unknown then, and says why. The request is HTTP/1.0, so the reply never comes in
chunks, and ends with the connection.

rspamd obeys some fields of a request that comes over a Unix socket: `File`, `Path` and `Shm` make it read
what they name. So no value of the envelope may begin a line of the request.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

DEADLINE = 10.0  # seconds for the whole question; rspamd itself gives up after 8 (task_timeout)
_LONGEST_REPLY = 524_288  # octets, without the URLs; a usual one has 5,000
_MOST_RECIPIENTS = 32_768  # octets of all of them; rspamd hangs up if the fields have more than 80 KiB
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
# rspamd lists up to 10,240 host names of URLs in its reply, after all that matters here. A quote inside of a
# JSON string has a backslash before it, so these octets are never part of a string.
_URLS = b',"urls":['
# The actions that mark a message (rspamd.com/doc/configuration/metrics.html). Others leave it as it is.
_MARKING = ("add header", "rewrite subject", "quarantine", "discard", "reject")
_HIGHEST_SCORE = 1e6
# A byte order mark before a name is skipped, as lenient readers do.
_SPAM_FIELD = re.compile(
    rb"(?im)^(?:\xef\xbb\xbf)?x-spam[!-9;-~]*[ \t]*:[^\n]*(?:\n|\Z)(?:[ \t][^\n]*(?:\n|\Z))*"
)


@dataclass(frozen=True, slots=True)
class Question:
    """What rspamd is told of a message besides its content. An empty value is not sent."""

    identity: str  # the message's, for rspamd's log
    receiver: str  # our hostname
    peer: str = ""  # the sender's IP address
    reverse: str = ""  # the peer's confirmed name. Without one, rspamd asks DNS itself.
    helo: str = ""
    sender: str = ""  # of MAIL; empty for the null path
    recipients: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What rspamd says of a message."""

    is_spam: bool | None = None  # None: unknown
    score: float = 0.0
    required: float | None = None  # the score from which on a message is marked; rspamd 3.4 does not say it
    rejects: bool = False  # whether rspamd would refuse the message
    reason: str = ""  # why it is unknown
    seconds: float = 0.0  # that the message waited for it

    @property
    def field(self) -> bytes:
        """The field for the head of the message, with its CRLF. Empty if the message is not known as spam."""
        if not self.is_spam:
            return b""
        required = "" if self.required is None else f", required={self.required:.1f}"
        return f"X-Spam: Yes, score={self.score:.1f}{required}\r\n".encode()

    def to_journal(self) -> dict[str, object]:
        """The values for the message's line in the journal."""
        if self.is_spam is None:
            return {"spam": "unknown", "spam_reason": self.reason, "spam_seconds": self.seconds}
        word = "yes" if self.is_spam else "no"
        return {"spam": word, "spam_score": f"{self.score:.1f}", "spam_seconds": self.seconds}


def request(question: Question, size: int) -> bytes:
    """The head of the request for a message of `size` octets. Pure."""
    fields = [
        ("Content-Length", str(size)),
        ("Queue-Id", question.identity),
        ("MTA-Name", question.receiver),
        ("IP", question.peer),
        ("Hostname", question.reverse),
        ("Helo", question.helo),
        ("From", f"<{question.sender}>"),
    ]
    room = _MOST_RECIPIENTS
    for recipient in question.recipients:
        room -= len(recipient.encode("utf-8", "replace"))
        if room < 0:
            break
        fields.append(("Rcpt", f"<{recipient}>"))
    lines = [f"{name}: {_CONTROL.sub('?', value)}\r\n" for name, value in fields if value]
    return f"POST /checkv2 HTTP/1.0\r\n{''.join(lines)}\r\n".encode()


def parse_reply(reply: bytes) -> Judgement:
    """The judgement in a whole reply, or in one that was cut off inside of its URLs. Raises ValueError."""
    head, _, body = reply.partition(b"\r\n\r\n")
    status = _STATUS.match(head)
    if not status:
        raise ValueError("its reply is not HTTP" if reply else "it hung up without a reply")
    if status[1] != b"200":
        raise ValueError(f"it replied with the HTTP status {status[1].decode()}")
    body, urls, _ = body.partition(_URLS)
    try:
        answer = json.loads(body + b"}" if urls else body)
    except (ValueError, RecursionError):
        raise ValueError("its reply is not JSON") from None
    if not isinstance(answer, dict) or not isinstance(action := answer.get("action"), str):
        raise ValueError("its reply has no action")
    thresholds = answer.get("thresholds")
    required = [
        _score(value)
        for name, value in (thresholds.items() if isinstance(thresholds, Mapping) else ())
        if name in _MARKING and value is not None
    ]
    return Judgement(
        action in _MARKING,
        _score(answer.get("score")),
        min(required, default=None),
        action == "reject",
    )


def _score(value: object) -> float:
    """Raises ValueError if it is no number that can be written down."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _HIGHEST_SCORE:
        raise ValueError("a score of its reply is not a number")
    return float(value)


def without_spam_fields(head: bytes) -> tuple[bytes, int]:
    """A header section in CRLF without the fields whose names begin with X-Spam, and how many there were.

    Whoever reads such a field in a stored message believes that it is from this host.
    """
    return _SPAM_FIELD.subn(b"", head)


class SpamFilter:
    """The rspamd that listens on a Unix socket. `hostname` is ours."""

    def __init__(self, socket: Path, hostname: str, deadline: float = DEADLINE) -> None:
        self.socket = socket
        self.hostname = hostname
        self.deadline = deadline

    def message(
        self, identity: str, peer: str, helo: str, sender: str, recipients: Sequence[str]
    ) -> SpamCheck:
        """Begin the check of a message from its envelope. `sender` is empty for the null path."""
        question = Question(identity, self.hostname, peer, "", helo, sender, recipients)
        return SpamCheck(self, question)


class SpamCheck:
    """The check of one message: `head` once, then `judge` when all of it is there."""

    __slots__ = ("_filter", "_question", "taken_out")

    def __init__(self, spam_filter: SpamFilter, question: Question) -> None:
        self.taken_out = 0  # fields of the sender that look like ours
        self._filter, self._question = spam_filter, question

    def head(self, head: bytes) -> bytes:
        """Take the header section. Returns it without the fields that look like ours."""
        head, self.taken_out = without_spam_fields(head)
        return head

    async def judge(self, size: int, content: AsyncIterable[bytes], reverse: str = "") -> Judgement:
        """What rspamd says of the message, which has `size` octets. `reverse` is the peer's confirmed name.

        Never raises. It runs in a task of its own, because an eager task cannot use `asyncio.timeout`.
        """
        loop, socket, deadline = asyncio.get_running_loop(), self._filter.socket, self._filter.deadline
        began = loop.time()
        asking = loop.create_task(_ask(socket, replace(self._question, reverse=reverse), size, content))
        try:
            await asyncio.wait({asking}, timeout=deadline)
            found = asking.result() if asking.done() else Judgement(reason=f"no answer within {deadline:g} s")
        except OSError as error:
            found = Judgement(reason=f"{socket}: {error.strerror or type(error).__name__}")
        except ValueError as error:
            found = Judgement(reason=f"{socket}: {error}")
        except Exception as error:  # The error is in our program. It must not cost us the message.
            found = Judgement(reason=f"{type(error).__name__}: {error}")
        finally:
            asking.cancel()
        return replace(found, seconds=loop.time() - began)


async def _ask(socket: Path, question: Question, size: int, content: AsyncIterable[bytes]) -> Judgement:
    """Raises OSError, or ValueError for a reply that is not understood. Keeps only a piece of the content."""
    reader, writer = await asyncio.open_unix_connection(socket)
    try:
        writer.write(request(question, size))
        async for piece in content:
            writer.write(piece)
            await writer.drain()
        reply = bytearray()
        while (piece := await reader.read(65_536)) and _URLS not in reply:
            reply += piece
            if len(reply) > _LONGEST_REPLY and _URLS not in reply:
                raise ValueError(f"its reply has more than {_LONGEST_REPLY} octets")
        return parse_reply(bytes(reply))
    finally:
        writer.transport.abort()
