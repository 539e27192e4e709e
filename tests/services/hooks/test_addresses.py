"""Where a URL may lead: the address that was checked is the one that is connected to, under its own name."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.hooks.configuration import Endpoint, Url, parse_url
from services.hooks.credentials import Credentials
from services.hooks.outcome import Delivered, Outcome
from services.hooks.schedule import Failure
from services.hooks.url.addresses import refusal
from services.hooks.url.posting import Poster, Resolve, resolve
from tests.services.hooks.hooks import KEY, Hook
from tests.services.hooks.target import Target

PUBLIC = (
    "192.31.196.5 93.184.216.34 1.1.1.1 2606:4700:4700::1111 64:ff9b::1.1.1.1 ::ffff:1.1.1.1 2002:101:101::"
)
PRIVATE = """
    127.0.0.1 127.255.255.254 ::1 ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::127.0.0.1 2002:7f00:1::
    ::ffff:0:127.0.0.1 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 ::ffff:10.0.0.1 64:ff9b::10.0.0.1
    64:ff9b:1::1 2002:a00:1::
    fc00::1 fd00:ec2::254 fec0::1 100.64.0.1 100.100.100.200 168.63.129.16 ::ffff:168.63.129.16
    192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 240.0.0.1 2001:db8::1 2001::1 2001:10::1 100::1
    5f00::1 192.88.99.1
"""
NEVER = """
    169.254.169.254 fe80::1 fe80::1%eth0 ::ffff:169.254.169.254 64:ff9b::169.254.169.254 2002:a9fe:a9fe::
    0.0.0.0 0.1.2.3 :: ::ffff:0.0.0.0 224.0.0.1 239.255.255.255 255.255.255.255 ff02::1 ::ffff:224.0.0.1
"""


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public_addresses_are_allowed(address: str) -> None:
    assert refusal(address, allow_private=False) is None


@pytest.mark.parametrize("address", PRIVATE.split())
def test_private_addresses_are_refused_unless_they_are_allowed(address: str) -> None:
    assert refusal(address, allow_private=False)
    assert refusal(address, allow_private=True) is None


@pytest.mark.parametrize("address", NEVER.split())
def test_addresses_of_nobody_are_refused_always(address: str) -> None:
    assert refusal(address, allow_private=False)
    assert refusal(address, allow_private=True)


def post(
    hook: Hook,
    endpoint: Endpoint,
    names: Resolve = resolve,
    *,
    private: bool = False,
    longest: float = 60.0,
) -> Outcome:
    name = hook.store()
    poster = Poster(Url(endpoint, "raw", private), Credentials((KEY,)), None, resolve=names, longest=longest)
    return poster(name, str(hook.pending / name))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]",
     "[::ffff:7f00:1]", "localhost", "LOCALHOST.", "0", "[::]"],
)  # fmt: skip
def test_no_form_of_a_loopback_address_is_connected_to(hook: Hook, target: Target, host: str) -> None:
    endpoint = parse_url(f"http://{host}:{target.port}/", allow_http=True)
    outcome = post(hook, endpoint)
    assert isinstance(outcome, Failure)
    assert "leads to no allowed address" in outcome.error or "has no address" in outcome.error
    assert target.connections == 0


def test_a_name_that_changes_after_the_check_leads_nowhere_else(hook: Hook, target: Target) -> None:
    """DNS rebinding: the connection goes to the address that was checked, and the name is not asked again."""
    asked: list[str] = []

    def names(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.9"]

    endpoint = Endpoint("http", "rebind.example.test", target.port, "/")
    assert post(hook, endpoint, names, private=True) == Delivered("204")
    assert asked == ["rebind.example.test"]
    assert isinstance(post(hook, endpoint, names), Failure)
    assert target.connections == 1


def test_every_address_of_a_name_is_checked(hook: Hook, target: Target) -> None:
    endpoint = Endpoint("http", "both.example.test", target.port, "/")
    outcome = post(hook, endpoint, lambda host, port: ["127.0.0.1", "255.255.255.255"])
    assert outcome == Failure(
        "both.example.test leads to no allowed address: 127.0.0.1 is a loopback address, "
        "255.255.255.255 is a multicast or broadcast address"
    )
    assert target.connections == 0


def test_the_next_address_is_tried_if_nobody_listens_at_the_first(hook: Hook, target: Target) -> None:
    endpoint = Endpoint("http", "two.example.test", target.port, "/")
    assert post(hook, endpoint, lambda host, port: ["127.0.0.9", "127.0.0.1"], private=True) == Delivered(
        "204"
    )
    assert target.requests[0].headers["host"] == f"two.example.test:{target.port}"


def test_a_name_without_an_address_is_a_failure(hook: Hook) -> None:
    def names(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert post(hook, Endpoint("https", "no.example.test", 443, "/"), names) == Failure(
        "no.example.test has no address: Name or service not known"
    )


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a certificate for app.example.test alone, which the system trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests of Letterbox")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("app.example.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "leaf.pem").write_bytes(certificate.public_bytes(pem))
    (tmp_path / "leaf-key.pem").write_bytes(key.private_bytes(pem, *plain))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "leaf.pem"))
    return tmp_path


def served(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem", folder / "leaf-key.pem")
    return context


def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def test_tls_is_for_the_name_in_the_url_though_the_connection_goes_to_an_address(
    hook: Hook, trusted: Path
) -> None:
    with Target(tls=served(trusted)) as target:
        endpoint = Endpoint("https", "app.example.test", target.port, "/mail?x=1")
        assert post(hook, endpoint, loopback, private=True) == Delivered("204")
        (request,) = target.requests
    assert request.sni == "app.example.test"
    assert request.headers["host"] == f"app.example.test:{target.port}"
    assert request.line == "POST /mail?x=1 HTTP/1.1"


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_certificate_for_another_name_or_of_an_unknown_authority_gets_nothing(
    hook: Hook, trusted: Path, monkeypatch: pytest.MonkeyPatch, is_trusted: bool
) -> None:
    host = "other.example.test" if is_trusted else "app.example.test"
    if not is_trusted:
        monkeypatch.delenv("SSL_CERT_FILE")
    with Target(tls=served(trusted)) as target:
        outcome = post(hook, Endpoint("https", host, target.port, "/"), loopback, private=True)
        assert isinstance(outcome, Failure)
        assert "its certificate does not hold" in outcome.error
        assert target.requests == []


def test_tls_that_begins_drop_by_drop_is_a_failure_in_time(hook: Hook, trusted: Path) -> None:
    """Each drop comes within any limit on one call."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            opened, _ = listening.accept()
            with opened, contextlib.suppress(OSError):
                opened.sendall(b"\x16\x03\x03\x40\x00")
                while not ended.wait(0.1):
                    opened.sendall(b"\x02")

        threading.Thread(target=drip, daemon=True).start()
        endpoint = Endpoint("https", "app.example.test", listening.getsockname()[1], "/")
        began = time.monotonic()
        outcome = post(hook, endpoint, loopback, private=True, longest=1.0)
        ended.set()
    assert isinstance(outcome, Failure)
    assert outcome.error.endswith("The handshake operation timed out")
    assert time.monotonic() - began < 20


def test_a_target_that_speaks_no_tls_is_a_failure(hook: Hook, target: Target) -> None:
    outcome = post(hook, Endpoint("https", "app.example.test", target.port, "/"), loopback, private=True)
    assert isinstance(outcome, Failure)
    assert target.requests == []
