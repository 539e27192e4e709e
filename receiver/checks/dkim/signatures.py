"""The signatures of one message: read from its header section, their keys asked for, the results."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import lru_cache
from types import ModuleType
from typing import NamedTuple

from receiver.checks.dkim import key as key_record
from receiver.checks.dkim import signature as field
from receiver.checks.dkim.body_hash import BodyHash
from receiver.checks.dkim.header_hash import Header
from receiver.checks.dkim.signature import Signature
from receiver.checks.dkim.tags import Refused
from receiver.checks.dns_query import Resolver, TemporaryFailure, txt
from receiver.checks.results import DKIM

_MOST_SIGNATURES = 8  # from the top
_MOST_RECORDS = 4  # TXT records of a name that are tried as keys
_CLOCKS_DIFFER = 300  # seconds
# The more a result says, the later it stands. A key that fails says more than a record that is no key.
_ORDER = ("permerror", "fail", "policy", "pass")


class _Outcome(NamedTuple):
    result: str
    reason: str
    bits: int = 0
    testing: bool = False


class Signatures:
    """The DKIM signatures of a message, in the order of their fields, eight at most."""

    def __init__(self, fields: Sequence[tuple[bytes, bytes]], *, now: float | None = None) -> None:
        """`fields` are those of `header_fields.split`. `now` is in seconds since 1970."""
        self._fields = fields
        self._now = now
        self._in_report = _is_report(fields)
        self._read: list[tuple[int, Signature | DKIM]] = []
        for number, (name, raw) in enumerate(fields):
            if name == b"dkim-signature":
                self._read.append((number, _read(raw)))
                if len(self._read) == _MOST_SIGNATURES:
                    break
        self._usable = [each for _, each in self._read if isinstance(each, Signature)]
        self._bodies: dict[bool, BodyHash] = {}
        for relaxed in {each.relaxed_body for each in self._usable}:
            lengths = {
                each.length
                for each in self._usable
                if each.relaxed_body == relaxed and each.length is not None
            }
            self._bodies[relaxed] = BodyHash(relaxed, lengths)
        self._answers: dict[str, Sequence[bytes] | TemporaryFailure] = {}
        self._results: list[DKIM] | None = None

    def update(self, piece: bytes) -> None:
        """Take octets of the body, whose lines end in CRLF, cut anywhere."""
        for body in self._bodies.values():
            body.update(piece)

    async def ask(self, resolver: Resolver) -> None:
        """Ask for all keys at once. It may be cancelled: what is not answered then is temperror."""
        names = {each.key_name for each in self._usable} - self._answers.keys()
        if len(names) == 1:  # the usual case, without a task
            await self._ask(resolver, names.pop())
        elif names:
            asked = await asyncio.gather(
                *(self._ask(resolver, name) for name in names), return_exceptions=True
            )
            for error in asked:
                if error is not None:
                    raise error

    async def _ask(self, resolver: Resolver, name: str) -> None:
        try:
            self._answers[name] = await txt(resolver, name)
        except TemporaryFailure as failure:
            self._answers[name] = failure

    def results(self) -> list[DKIM]:
        """A result for each signature. It is to be called after the last piece of the body."""
        if self._results is None:
            for body in self._bodies.values():
                body.finish()
            header = Header(self._fields if self._usable else ())
            self._results = [
                each if isinstance(each, DKIM) else self._result(number, each, header)
                for number, each in self._read
            ]
        return list(self._results)

    def _result(self, number: int, each: Signature, header: Header) -> DKIM:
        outcome = self._judged(number, each, header)
        return DKIM(
            outcome.result,
            outcome.reason,
            each.domain,
            each.selector,
            each.identity,
            each.algorithm,
            each.shown,
            outcome.bits,
            outcome.testing,
        )

    def _judged(self, number: int, each: Signature, header: Header) -> _Outcome:
        body = self._bodies[each.relaxed_body]
        digest = body.digest(each.length)
        if digest is None:
            return _Outcome("permerror", "l= is more than the body has")
        # A signature that cannot pass any more does not wait for its key.
        if digest != each.body_hash:
            return _Outcome("fail", "the body was changed")
        outcome = self._verified(number, each, header)
        if outcome.result in ("pass", "temperror"):
            now = time.time() if self._now is None else self._now
            if each.expires is not None and each.expires < now - _CLOCKS_DIFFER:
                return outcome._replace(result="policy", reason="the signature has expired")
            if unsigned := body.unsigned(each.length):
                reason = f"l= leaves {unsigned} octets of the body unsigned"
                return outcome._replace(result="policy", reason=reason)
        return outcome

    def _verified(self, number: int, each: Signature, header: Header) -> _Outcome:
        """Try each record at the name of the key. The best result counts (RFC 6376 section 6.1.2)."""
        records = self._answers.get(each.key_name)
        if records is None:
            return _Outcome("temperror", "no answer for the key in time")
        if isinstance(records, TemporaryFailure):
            return _Outcome("temperror", "no answer for the key")
        best: _Outcome | None = None
        for record in records[:_MOST_RECORDS]:
            outcome = _with_key(record, number, each, header, in_report=self._in_report)
            if outcome.result in ("pass", "temperror"):
                return outcome
            if best is None or _ORDER.index(outcome.result) > _ORDER.index(best.result):
                best = outcome
        return best or _Outcome("permerror", "no key")


def _read(raw: bytes) -> Signature | DKIM:
    about: dict[str, str] = {}
    try:
        return field.parse(raw, about)
    except Refused as refused:
        return DKIM(refused.result, refused.reason, **about)  # type: ignore[arg-type]


def _is_report(fields: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether the message says that it is a TLS report (RFC 8460 section 5.3)."""
    types = [raw.partition(b":")[2].lower() for name, raw in fields if name == b"content-type"]
    words = b"".join(types).replace(b'"', b"").split(b";")
    kind, *parameters = (b"".join(word.split()) for word in words)
    return len(types) == 1 and kind == b"multipart/report" and b"report-type=tlsrpt" in parameters


def _with_key(record: bytes, number: int, each: Signature, header: Header, *, in_report: bool) -> _Outcome:
    bits, testing = 0, False
    try:
        key = key_record.parse(record)
        testing = key.is_testing
        key_record.check(key, each, in_report=in_report)
        verification = _verification()
        if verification is None:
            return _Outcome("temperror", "the library for signatures does not load", testing=testing)
        public = verification.load(key.kind, key.octets)
        bits = verification.bits(public)
        verification.check_size(bits, key.kind)
        if not verification.is_signed(public, header.digest(each, number), each.signature):
            raise Refused("fail", "the signature does not fit")
    except Refused as refused:
        return _Outcome(refused.result, refused.reason, bits, testing)
    return _Outcome("pass", "", bits, testing)


@lru_cache(1)
def _verification() -> ModuleType | None:
    """The module with `cryptography`, or None if it does not load, as after a change of the host's Python."""
    try:
        from receiver.checks.dkim import verification
    except BaseException as error:  # A panic of Rust is no Exception. Whatever goes wrong, mail is taken.
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return None
    return verification
