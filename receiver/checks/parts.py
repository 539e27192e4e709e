"""The checks that `check` puts together, each as a function, so that a test can put in one that fails."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from receiver.checks import author, dkim, dmarc, field, forged, reverse, spf
from receiver.checks.dns_query import IPAddress, Resolver
from receiver.checks.results import DKIM, DMARC, SPF, Reverse

Fields = Sequence[tuple[bytes, bytes]]


class Signatures(Protocol):
    """The DKIM signatures of one message (`dkim.Signatures`)."""

    def update(self, piece: bytes) -> None: ...
    async def ask(self, resolver: Resolver) -> None: ...
    def results(self) -> list[DKIM]: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The functions are those of the modules of the same names."""

    spf: Callable[[Resolver, IPAddress, str, str, str, str, str], Coroutine[Any, Any, SPF]] = spf.check_host
    reverse: Callable[[Resolver, IPAddress], Coroutine[Any, Any, Reverse]] = reverse.check
    signatures: Callable[[Fields], Signatures] = dkim.Signatures
    author: Callable[[Fields], str] = author.domain
    discover: Callable[[Resolver, str], Coroutine[Any, Any, None]] = dmarc.discover
    dmarc: Callable[[Resolver, str, Sequence[DKIM], SPF], Coroutine[Any, Any, DMARC]] = dmarc.check
    write: Callable[[str, Reverse | None, str, SPF, Sequence[DKIM], DMARC], bytes] = field.write
    without_forged: Callable[[bytes, frozenset[str]], tuple[bytes, int]] = forged.without_forged
