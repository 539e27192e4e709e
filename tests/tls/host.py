"""The key and the certificate of the host: put in place by hand, and as a sender meets them at port 25."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.lab.machines.machine import DEADLINE, Machine
from tests.tls.pairs import Pair
from tests.waiting import wait_until

TLS = "/etc/letterbox/tls"
KEPT = "/root/tls-kept"


def put(host: Machine, name: str, content: str) -> None:
    """Put a file in the place of `key.pem` or `certificate.pem` by one rename, as nobody should by hand."""
    mode = "0640" if name == "key.pem" else "0644"
    host.run(
        f"install -m {mode} -o root -g letterbox /dev/stdin {TLS}/{name}.by-hand"
        f" && mv -fT {TLS}/{name}.by-hand {TLS}/{name}",
        input=content,
    )


def install(host: Machine, pair: Pair) -> None:
    """Give the host this key and certificate, and wait until it serves them. They must belong together."""
    put(host, "key.pem", pair.key_pem)
    put(host, "certificate.pem", pair.certificate)
    wait_until(
        lambda: served(host.ipv4) == pair.leaf, f"{host.name} serves the certificate that it was given"
    )


def served(address: str) -> bytes:
    """The certificate that the address shows by STARTTLS, in DER. It is not judged."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP(address, 25, timeout=DEADLINE) as session:
        session.starttls(context=context)
        assert isinstance(session.sock, ssl.SSLSocket)
        return session.sock.getpeercert(binary_form=True) or b""


def key_digest(host: Machine, which: str) -> str:
    """The SHA-256 of the host's `current` or `next` key, as in a TLSA record 3 1 1."""
    pem = host.run(f"cat {TLS}/{which}/request.pem").stdout.encode()
    public = x509.load_pem_x509_csr(pem).public_key()
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def served_digest(address: str) -> str:
    """The same of the key that the address shows by STARTTLS."""
    public = x509.load_der_x509_certificate(served(address)).public_key()
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


@contextmanager
def as_it_was(host: Machine) -> Iterator[None]:
    """Put the host's TLS files back at the end, and wait until they are served."""
    before = served(host.ipv4)
    host.run(f"rm -rf {KEPT} && cp -a {TLS} {KEPT}")
    try:
        yield
    finally:
        host.run(f"rm -rf {TLS} && mv -T {KEPT} {TLS}")
        wait_until(lambda: served(host.ipv4) == before, f"{host.name} serves its old certificate")


def complaints(host: Machine) -> list[str]:
    """Lines in which the receiver says that the pair on its disk, as it is now, cannot be used."""
    changed = host.run(f"stat -L -c %Y {TLS}/key.pem {TLS}/certificate.pem").stdout.split()
    said = host.run(f"journalctl -u letterbox.service -o cat --since @{max(map(int, changed))}").stdout
    return [line for line in said.splitlines() if "the last good one stays in use" in line]
