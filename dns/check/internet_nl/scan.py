"""What TLS a mail host offers: asked hello by hello, each time without what it has chosen before.

Where a hello gets no answer, what was asked with it is not known. It counts neither as offered nor as not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from dns.check.internet_nl.answer import Answer
from dns.check.internet_nl.ciphers import (
    BEFORE_TLS_1_3,
    OF_TLS_1_3,
    KeyExchange,
    Level,
    is_signed,
    key_exchange_of,
    level_of,
    name_of,
)
from dns.check.internet_nl.dialogue import NoAnswer
from dns.check.internet_nl.hello import (
    CURVES,
    CURVES_1_3,
    DEFLATE,
    EXTENDED_MASTER_SECRET,
    RENEGOTIATION_INFO,
    SHA1_HASHES,
    SHA224_HASHES,
    Hello,
    Version,
)

MOST_SUITES = 40  # that are asked for with one version: a server with more is bad enough

Ask = Callable[[Hello], Answer]


@dataclass(slots=True)
class Offered:
    """What one address offers. `unknown` has the reason for each part that could not be asked to its end.

    The parts are `versions`, which the suites belong to, `curves`, `hash` and `order`.
    """

    suites: dict[Version, list[int]] = field(default_factory=dict)
    """The suites that are accepted with each accepted version, in the order of the server's choice."""
    curves: set[int] = field(default_factory=set)
    primes: set[int] = field(default_factory=set)
    hashes: set[int] = field(default_factory=set)
    """The schemes with SHA-1, MD5 or SHA-224 that a key exchange was signed with."""
    preferred: tuple[int, int] | None = None
    """A suite to be phased out, and a better one that it was preferred to."""
    compression: bool = False
    secure_renegotiation: bool | None = None
    """None if no version before TLS 1.3 is accepted, which has no renegotiation."""
    extended_master_secret: bool | None = None
    """None if no version before TLS 1.3 is accepted, which needs no extension for it."""
    unknown: dict[str, str] = field(default_factory=dict)

    @property
    def before_tls_1_3(self) -> Version | None:
        """The latest accepted version before TLS 1.3, whose answers are in the clear."""
        return max((v for v in self.suites if Version.SSL_2_0 < v < Version.TLS_1_3), default=None)


def scan(ask: Ask, server_name: str) -> Offered:
    """Ask for everything. The `server_name` is sent with each hello."""
    found = Offered()

    def part(name: str, steps: Callable[[Ask, str, Offered], None]) -> None:
        try:
            steps(ask, server_name, found)
        except NoAnswer as error:
            found.unknown[name] = str(error)

    part("versions", _versions)
    if found.suites:
        for name, steps in (("curves", _curves), ("hash", _hashes), ("order", _order)):
            part(name, steps)
    return found


def _versions(ask: Ask, server_name: str, found: Offered) -> None:
    reason = ""
    for version in reversed(Version):
        try:
            _suites(ask, server_name, found, version)
        except NoAnswer as error:
            reason = f"{version}: {error}"
    if reason:
        raise NoAnswer(reason)


def _suites(ask: Ask, server_name: str, found: Offered, version: Version) -> None:
    left = list(OF_TLS_1_3 if version is Version.TLS_1_3 else BEFORE_TLS_1_3)
    for _ in range(MOST_SUITES):
        answer = ask(Hello(version, left, server_name=server_name))
        if answer.version is not version:
            return
        found.suites.setdefault(version, [])
        if answer.cipher not in left:  # so it is with SSL 2.0, whose suites are others
            return
        found.suites[version].append(answer.cipher)
        left.remove(answer.cipher)
        _note(answer, found)


def _note(answer: Answer, found: Offered) -> None:
    found.curves |= {answer.group} - {0}
    found.primes |= {answer.prime} - {0}
    if answer.version is Version.TLS_1_3:
        return
    found.compression |= answer.compression == DEFLATE
    for name, extension in (
        ("secure_renegotiation", RENEGOTIATION_INFO),
        ("extended_master_secret", EXTENDED_MASTER_SECRET),
    ):
        if answer.version is not Version.SSL_3_0:
            held = extension in answer.extensions
            setattr(found, name, held and getattr(found, name) is not False)


def _curves(ask: Ask, server_name: str, found: Offered) -> None:
    for version, curves in ((Version.TLS_1_3, CURVES_1_3), (found.before_tls_1_3, CURVES)):
        suites = found.suites.get(version, []) if version else []
        if version is not Version.TLS_1_3:
            suites = [suite for suite in suites if key_exchange_of(suite) is KeyExchange.ECDHE]
        left = list(curves)
        while version and suites and left:
            answer = ask(Hello(version, suites, groups=left, server_name=server_name))
            if answer.version is not version or answer.group not in left:
                break
            found.curves.add(answer.group)
            left.remove(answer.group)


def _hashes(ask: Ask, server_name: str, found: Offered) -> None:
    """With which weak hashes a key exchange is signed (TLS 1.2; before it no hash was to be chosen)."""
    suites = [suite for suite in found.suites.get(Version.TLS_1_2, ()) if is_signed(suite)]
    for schemes in (SHA1_HASHES, SHA224_HASHES) if suites else ():
        answer = ask(Hello(Version.TLS_1_2, suites, signatures=schemes, server_name=server_name))
        # Some servers sign with another hash than they were asked for.
        found.hashes |= {answer.signature} & set(schemes)


def _order(ask: Ask, server_name: str, found: Offered) -> None:
    """Whether each better suite is preferred to those to be phased out, although it is offered last."""
    version = found.before_tls_1_3
    suites = found.suites.get(version, []) if version else []
    worse, better = at_level(suites, Level.PHASE_OUT), at_level(suites, Level.GOOD, Level.SUFFICIENT)
    worse.sort(key=lambda suite: "CHACHA20" in name_of(suite))  # it may be put first if the sender does so
    for suite in better if version and worse else ():
        answer = ask(Hello(version, [*worse, suite], server_name=server_name)) if version else Answer()
        if answer.version is version and answer.cipher in worse:
            found.preferred = (answer.cipher, suite)
            return


def at_level(suites: Iterable[int], *levels: Level) -> list[int]:
    """The suites that have one of these levels."""
    return [suite for suite in suites if level_of(suite) in levels]


def all_suites(found: Offered) -> Sequence[int]:
    """Every suite that is accepted with any version, once."""
    return list(dict.fromkeys(suite for suites in found.suites.values() for suite in suites))
