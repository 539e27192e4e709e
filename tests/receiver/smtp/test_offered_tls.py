"""Which TLS a running receiver offers, asked hello by hello, and which senders still agree on some."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from dns.check.internet_nl import dialogue
from dns.check.internet_nl.ciphers import Level, level_of, name_of
from dns.check.internet_nl.hello import Version
from dns.check.internet_nl.scan import Offered, scan
from tests.receiver.certificates import make_certificate
from tests.receiver.processes import DEADLINE
from tests.receiver.server import Server


def offered(server: Server) -> Offered:
    place = dialogue.Place("mx.example.test", "127.0.0.1", server.port, DEADLINE)
    return scan(lambda hello: dialogue.ask(place, hello), place.hostname)


def test_only_suites_with_authenticated_encryption_and_forward_secrecy_are_offered(server: Server) -> None:
    found = offered(server)
    assert set(found.suites) == {Version.TLS_1_2, Version.TLS_1_3} and not found.unknown
    assert [name_of(suite) for suite in found.suites[Version.TLS_1_2]] == [
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    ]
    assert found.suites[Version.TLS_1_3]
    assert {level_of(suite) for suite in found.suites[Version.TLS_1_3]} <= {Level.GOOD, Level.SUFFICIENT}


def test_no_handshake_is_signed_with_sha_1_or_sha_224(server: Server) -> None:
    assert offered(server).hashes == set()


def connect(server: Server, suites: str) -> tuple[str, str, int] | None:
    """The suite that a sender with TLS 1.2, these suites and the curve that all know agrees on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suites)
    context.set_ecdh_curve("prime256v1")
    with server.client() as client:
        client.ask("STARTTLS", 220)
        client.socket = context.wrap_socket(client.socket)
        client.ask("EHLO x", 250)
        client.ask("QUIT", 221)
        return client.socket.cipher()


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"])
def test_a_sender_as_old_as_windows_2012_still_has_tls(server: Server, suite: str) -> None:
    agreed = connect(server, suite)
    assert agreed is not None and agreed[0] == suite


def test_a_certificate_with_rsa_of_2048_bits_is_still_served(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve(certificate=make_certificate(tmp_path, "mx.example.test", old=True))
    agreed = connect(server, "ECDHE-RSA-AES128-GCM-SHA256")
    assert agreed is not None and agreed[0] == "ECDHE-RSA-AES128-GCM-SHA256"


def test_a_certificate_of_an_authority_with_rsa_of_2048_bits_is_still_served(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve(certificate=issued(tmp_path))
    agreed = connect(server, "ECDHE-ECDSA-AES128-GCM-SHA256")
    assert agreed is not None and agreed[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"
    assert set(offered(server).suites) == {Version.TLS_1_2, Version.TLS_1_3}


def issued(folder: Path) -> tuple[Path, Path]:
    """A certificate for an ECDSA key, issued by an authority with RSA of 2048 bits, and the key."""
    authority, key = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Authority")])
    now = datetime.now(UTC)

    def certificate(name: x509.Name, public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
        made = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(public)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        made = made.not_valid_after(now + timedelta(days=30)).add_extension(
            x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True
        )
        return made.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.example.test")])
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate(own, key.public_key()) + certificate(issuer, authority.public_key()))
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    return files
