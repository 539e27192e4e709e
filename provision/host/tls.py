"""The keys of a host, their requests and the certificate in use: what the probe asks, and the answer."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from provision.host import layout

_OURS = re.compile(r"[0-9a-f]{16}(/(key|request|certificate)\.pem)?")

FILES = (
    *(layout.KEY_FOLDERS, layout.KEY_IN_USE, layout.NEXT_KEY),
    *(
        f"{folder}/{name}"
        for folder in (layout.KEY_IN_USE, layout.NEXT_KEY)
        for name in (".", "key.pem", "request.pem", "certificate.pem")
    ),
)
"""The paths whose kind, owner and mode are of interest."""


def _printed(path: str) -> str:
    """Shell that prints a text file. It starts no process, because each costs 5 ms."""
    return f'[ -f {path} ] && while read -r line; do echo "$line"; done < {path}'


# Left alone, `openssl x509` first reads all authorities of the system, which takes 40 ms.
_CERTIFICATE = (
    "SSL_CERT_FILE=/dev/null openssl x509 -noout -fingerprint -sha256 -pubkey -issuer -subject -dates "
    "-ext subjectAltName -in"
)
_PUBLIC = "openssl pkey -passin pass: -pubout -in"
SECTIONS: Mapping[str, str] = {
    "tls": "command -v openssl",
    "certificate": (
        f"{_CERTIFICATE} {layout.CERTIFICATE} || {_CERTIFICATE} {layout.KEY_IN_USE}/certificate.pem"
    ),
    "key": f"spare=; {_PUBLIC} {layout.KEY} || spare=yes",
    "spare key": f"[ $spare ] && {_PUBLIC} {layout.KEY_IN_USE}/key.pem",
    "next key": f"{_PUBLIC} {layout.NEXT_KEY}/key.pem",
    "request": _printed(f"{layout.KEY_IN_USE}/request.pem"),
    "next request": _printed(f"{layout.NEXT_KEY}/request.pem"),
    "keys": f"cd {layout.KEY_FOLDERS} && echo * */*",
}
"""Sections of the probe. `parse_tls` reads them. Only public keys are printed."""

_ID = "[0-9a-f]" * 16
UNUSED = f"""\
cd {layout.KEY_FOLDERS} && set -- * && [ $# -gt 2 ] &&
  find {layout.KEY_FOLDERS} -mindepth 1 -maxdepth 1 -mmin +10 \\( -name '{_ID}' -o -name '*.new' \\) \
    ! -samefile {layout.KEY_IN_USE}/. ! -samefile {layout.NEXT_KEY}/."""
"""Shell that names the keys' folders that are neither in use nor next. On a whole host it starts nothing."""

FOREIGN = f"""\
for f in {layout.KEY_FOLDERS}/* {layout.KEY_FOLDERS}/*/*; do case ${{f#{layout.KEY_FOLDERS}/}} in
  {_ID}|{_ID}/key.pem|{_ID}/request.pem|{_ID}/certificate.pem|*.new|*.new/*|'*'|'*/*') ;; *) echo $f;;
esac; done"""
"""Shell that names what lies among the keys and is not ours."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate. Digests are SHA-256 in hexadecimal; times are seconds since the epoch."""

    sha256: str
    """Of the certificate in DER."""
    spki: str
    """Of its public key (SubjectPublicKeyInfo of RFC 5280, in DER)."""
    names: tuple[str, ...]
    """The DNS names of its subjectAltName."""
    begins: float
    ends: float
    self_signed: bool

    def is_for(self, hostname: str) -> bool:
        """Whether it names the host, itself or by a wildcard (RFC 6125, 6.4.3)."""
        return bool({hostname, f"*.{hostname.partition('.')[2]}"} & set(self.names))


@dataclass(frozen=True, slots=True)
class Request:
    """A certificate request (PKCS #10, RFC 2986) in DER. Only the deploy writes it, and in one rename."""

    der: bytes

    def is_for(self, spki: bytes, hostname: str) -> bool:
        """Whether this public key (SubjectPublicKeyInfo in DER) and this DNS name are in it."""
        name = hostname.encode()
        # A dNSName is [2] IMPLICIT IA5String (RFC 5280, 4.2.1.6).
        length = bytes([len(name)]) if len(name) < 128 else bytes([0x81, len(name)])
        return spki != b"" and spki in self.der and b"\x82" + length + name in self.der


@dataclass(frozen=True, slots=True)
class Key:
    """A private key that OpenSSL can use, and the request that lies beside it."""

    public: bytes
    """Its SubjectPublicKeyInfo in DER."""
    request: Request | None = None

    @property
    def spki(self) -> str:
        """SHA-256 of its public key in hexadecimal, as in a TLSA record 3 1 1 (RFC 7671, 5.1)."""
        return hashlib.sha256(self.public).hexdigest()

    def has_request_for(self, hostname: str) -> bool:
        return self.request is not None and self.request.is_for(self.public, hostname)


@dataclass(frozen=True, slots=True)
class Tls:
    """What of keys and certificates can be used on a host. Nothing is known of it if it is not `readable`."""

    readable: bool = False
    """Whether the host has openssl, which reads them."""
    key: Key | None = None
    """The key in use, that `key.pem` leads to. None if there is none, or OpenSSL cannot use it."""
    spare: Key | None = None
    """The key in the folder that `current` leads to. It is looked at only if there is no `key`."""
    next: Key | None = None
    """The key that rekey.py goes to."""
    certificate: Certificate | None = None
    """The certificate in use, that `certificate.pem` leads to. If that is none, the one beside the key."""
    paths: tuple[str, ...] = ()
    """The folders of keys, and the files of ours in them, from `keys` on."""

    @property
    def key_matches(self) -> bool:
        """Whether the certificate in use is one of the key in use."""
        return bool(self.certificate and self.key and self.certificate.spki == self.key.spki)

    def certificate_is_good(self, hostname: str, now: float) -> bool:
        """Whether the certificate in use may stay: it is the key's, names the host, and is valid long enough.

        A certificate of our own is made anew in the last third of its life, which costs nothing. An
        authority's certificate is better than our own until it ends.
        """
        certificate = self.certificate
        if certificate is None or not self.key_matches or not certificate.is_for(hostname):
            return False
        spare = (certificate.ends - certificate.begins) / 3 if certificate.self_signed else 0
        return now < certificate.ends - spare


def parse_tls(sections: Mapping[str, list[str]]) -> Tls:
    """The keys and the certificate from these sections of the probe's answer."""
    return Tls(
        readable=any(sections.get("tls", ())),
        key=_key(sections.get("key", ()), sections.get("request", ())),
        spare=_key(sections.get("spare key", ()), sections.get("request", ())),
        next=_key(sections.get("next key", ()), sections.get("next request", ())),
        certificate=_certificate(sections.get("certificate", ())),
        paths=tuple(path for path in " ".join(sections.get("keys", ())).split() if _OURS.fullmatch(path)),
    )


def _key(lines: Iterable[str], request: Iterable[str]) -> Key | None:
    """A key whose public half `openssl pkey -pubout` has printed."""
    public, asked = pem_block(lines, "PUBLIC KEY"), pem_block(request, "CERTIFICATE REQUEST")
    return Key(public, Request(asked) if asked else None) if public else None


def _certificate(section: Iterable[str]) -> Certificate | None:
    """What `openssl x509 -fingerprint -sha256 -pubkey -issuer -subject -dates -ext subjectAltName` prints."""
    lines = list(section)
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    digest = next((value for name, value in said.items() if name.endswith("Fingerprint")), "")
    public = pem_block(lines, "PUBLIC KEY")
    words = " ".join(lines).replace(",", " ").split()
    try:
        begins, ends = (_seconds(said[key]) for key in ("notBefore", "notAfter"))
    except (KeyError, ValueError):
        return None
    if not digest or not public:
        return None
    return Certificate(
        sha256=digest.replace(":", "").lower(),
        spki=hashlib.sha256(public).hexdigest(),
        names=tuple(word.removeprefix("DNS:").lower() for word in words if word.startswith("DNS:")),
        begins=begins,
        ends=ends,
        self_signed=said.get("issuer") == said.get("subject"),
    )


def _seconds(text: str) -> float:
    """A time as openssl prints it, such as `Nov 26 02:27:01 2027 GMT`. Raises ValueError."""
    return datetime.strptime(text.strip(), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC).timestamp()


def pem_block(lines: Iterable[str], kind: str) -> bytes:
    """The first PEM block of this kind (RFC 7468), decoded. Empty if there is none."""
    body = "".join(lines).partition(f"-----BEGIN {kind}-----")[2].partition(f"-----END {kind}-----")[0]
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except binascii.Error:
        return b""
