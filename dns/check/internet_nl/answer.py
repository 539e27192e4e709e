"""What a server answers to a hello, as far as it is in the clear: its choices, and its certificates. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from dns.check.internet_nl.ciphers import KeyExchange, key_exchange_of
from dns.check.internet_nl.hello import VERSIONS, Version

ALERT, HANDSHAKE = 21, 22
_SERVER_HELLO, _KEY_EXCHANGE, _DONE = 2, 12, 14
_LONGEST = 1 << 18  # octets that a server may say before it is done


class Unreadable(Exception):
    """The octets are no answer of a TLS server."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's choices. It has said no if `version` is None."""

    version: Version | None = None
    cipher: int = 0
    compression: int = 0
    extensions: frozenset[int] = frozenset()
    group: int = 0
    """The elliptic curve of the key exchange; 0 if there is none, or if it is not told."""
    prime: int = 0
    """The prime of a Diffie-Hellman key exchange; 0 if there is none."""
    signature: int = 0
    """The scheme that the key exchange is signed with (TLS 1.2); 0 if it is not told."""


@dataclass(slots=True)
class Reader:
    """Takes octets as they come. `answer` is None until enough of them came."""

    hello: Version
    answer: Answer | None = None
    _octets: bytearray = field(default_factory=bytearray)

    def take(self, octets: bytes) -> None:
        """Take more octets. Raises Unreadable."""
        self._octets += octets
        try:
            self.answer = _read(bytes(self._octets), self.hello)
        except (IndexError, ValueError) as error:
            raise Unreadable(f"not an answer of TLS ({error})") from None
        if self.answer is None and len(self._octets) > _LONGEST:
            raise Unreadable("no end of the server's hello")


def _read(octets: bytes, hello: Version) -> Answer | None:
    if hello is Version.SSL_2_0:
        return _ssl_2(octets)
    messages = b""
    while len(octets) >= 5:
        kind, length = octets[0], int.from_bytes(octets[3:5], "big")
        if kind not in (ALERT, HANDSHAKE) or octets[1] != 3:
            raise ValueError(f"it begins with {octets[:5].hex()}")
        if len(octets) < 5 + length:
            break
        if kind == ALERT:
            if octets[5:6] == b"\x02":  # fatal; a warning, such as one about the name, is no answer
                return Answer()
        else:
            messages += octets[5 : 5 + length]
        octets = octets[5 + length :]
        answer = _messages(messages)
        if answer is not None:
            return answer
    return None


def _messages(data: bytes) -> Answer | None:
    """The answer in these handshake messages. None if more of them must come."""
    found: dict[int, bytes] = {}
    while len(data) >= 4:
        length = int.from_bytes(data[1:4], "big")
        if len(data) < 4 + length:
            break
        found[data[0]] = data[4 : 4 + length]
        data = data[4 + length :]
    if _SERVER_HELLO not in found:
        return None
    answer = _server_hello(found[_SERVER_HELLO])
    exchange = key_exchange_of(answer.cipher)
    if answer.version is Version.TLS_1_3:
        return answer
    if _KEY_EXCHANGE in found:
        return _with_exchange(answer, exchange, found[_KEY_EXCHANGE])
    return answer if _DONE in found else None


def _server_hello(body: bytes) -> Answer:
    version = int.from_bytes(body[:2], "big")
    at = 35 + body[34]
    cipher, compression = int.from_bytes(body[at : at + 2], "big"), body[at + 2]
    extensions: dict[int, bytes] = {}
    rest = body[at + 5 :]
    while len(rest) >= 4:
        length = int.from_bytes(rest[2:4], "big")
        extensions[int.from_bytes(rest[:2], "big")] = rest[4 : 4 + length]
        rest = rest[4 + length :]
    if VERSIONS in extensions:
        version = int.from_bytes(extensions[VERSIONS], "big")
    share = extensions.get(51, b"")
    return Answer(
        Version(version),
        cipher,
        compression,
        frozenset(extensions),
        group=int.from_bytes(share[:2], "big"),
    )


def _with_exchange(answer: Answer, exchange: KeyExchange, body: bytes) -> Answer:
    group = prime = 0
    if exchange is KeyExchange.ECDHE:
        group = int.from_bytes(body[1:3], "big") if body[0] == 3 else 0xFFFF  # 3: it has a name
        end = 4 + body[3]
    elif exchange is KeyExchange.DHE:
        length = int.from_bytes(body[:2], "big")
        prime, end = int.from_bytes(body[2 : 2 + length], "big"), 2 + length
        for _ in range(2):  # the generator, and the server's public value
            end += 2 + int.from_bytes(body[end : end + 2], "big")
    else:
        return answer
    signed = answer.version is Version.TLS_1_2 and len(body) >= end + 2
    return Answer(
        answer.version,
        answer.cipher,
        answer.compression,
        answer.extensions,
        group,
        prime,
        int.from_bytes(body[end : end + 2], "big") if signed else 0,
    )


def _ssl_2(octets: bytes) -> Answer | None:
    """A server that speaks SSL 2.0 answers with its hello, and another one with an alert, or it ends."""
    if len(octets) < 5:
        return None
    if octets[0] & 0x80 and octets[2] == 4:  # SERVER-HELLO
        return Answer(Version.SSL_2_0)
    return Answer()
