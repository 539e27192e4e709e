"""The varlink call, in the form of systemd's src/shared/varlink-io.systemd.Resolve.c.

A call and a reply are JSON objects, each followed by a NUL. A connection asks one question at a time. If it
is closed before the answer, the question is given up.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from services.resolver.nameservers import NoRecords, Record

_RESOLVE = "io.systemd.Resolve."
_SERVICE = "org.varlink.service."
_DNS = 1  # flags of a reply: it came by DNS, and was not validated
_LONGEST_CALL = 16_384  # octets; a name of 253 characters, each escaped twice, needs less than a tenth
_INTERNET = 1  # class IN

Ask = Callable[[str, int], Awaitable[list[Record]]]
"""Gives the records of a name and type. Raises NoRecords."""


class _Refused(Exception):
    """The call is wrong, and the reply says so."""

    def __init__(self, error: str, **parameters: object) -> None:
        super().__init__(error)
        self.reply = _error(error, **parameters)


def _error(error: str, **parameters: object) -> dict[str, object]:
    return {"error": error, "parameters": parameters}


class Conversation(asyncio.Protocol):
    """One connection."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answering is not None:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(0)
        busy = self._answering is not None
        if self._transport is not None and (busy or (end < 0 and len(self._received) > _LONGEST_CALL)):
            self._transport.abort()
        elif end >= 0:
            call = bytes(self._received[:end])
            del self._received[: end + 1]
            self._answering = asyncio.get_running_loop().create_task(self._answer(call))

    async def _answer(self, call: bytes) -> None:
        try:
            reply = await reply_to(call, self._ask)
        except Exception as error:  # our own fault: the journal has it, and the client need not wait
            handler = asyncio.get_running_loop().call_exception_handler
            handler({"message": "a question could not be answered", "exception": error})
            if self._transport is not None:
                self._transport.abort()
            return
        self._answering = None
        if self._transport is not None:
            self._transport.write(json.dumps(reply).encode() + b"\0")
            if self._received:
                self.data_received(b"")


async def reply_to(call: bytes, ask: Ask) -> dict[str, object]:
    """The reply to a call."""
    try:
        name, kind = _question(call)
        records = await ask(name, kind)
    except _Refused as refused:
        return refused.reply
    except NoRecords as none:
        return _error(f"{_RESOLVE}{none.error}", **none.parameters)
    except ValueError:
        return _error(f"{_SERVICE}InvalidParameter", parameter="name")
    rrs: list[object] = [
        {
            "rr": {"key": {"class": _INTERNET, "type": kind, "name": each.owner}},
            "raw": base64.b64encode(each.wire).decode(),
        }
        for each in records
    ]
    return {"parameters": {"rrs": rrs, "flags": _DNS}}


def _question(call: bytes) -> tuple[str, int]:
    """The name and the type that a call asks for. Raises _Refused."""
    try:
        read: Any = json.loads(call)
        method, parameters = str(read["method"]), read.get("parameters") or {}
        name, kind, family = (
            parameters.get("name"),
            parameters.get("type"),
            parameters.get("class", _INTERNET),
        )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise _Refused(f"{_SERVICE}InvalidParameter", parameter="method") from None
    if method != f"{_RESOLVE}ResolveRecord":
        raise _Refused(f"{_SERVICE}MethodNotFound", method=method)
    if not isinstance(name, str):
        raise _Refused(f"{_SERVICE}InvalidParameter", parameter="name")
    if not isinstance(kind, int) or not 0 < kind < 1 << 16:
        raise _Refused(f"{_SERVICE}InvalidParameter", parameter="type")
    if family != _INTERNET:
        raise _Refused(f"{_SERVICE}InvalidParameter", parameter="class")
    return name, kind
