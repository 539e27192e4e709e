"""Every point about TLS is seen to hold and to fail, at a server that really offers it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dns.check.internet_nl.hello import DEFLATE, EXTENDED_MASTER_SECRET, RENEGOTIATION_INFO, Version
from dns.check.internet_nl.points import Outcome, Point
from tests.dns.check.internet_nl.servers import judged, openssl_server, probed_at, scripted
from tests.receiver.certificates import make_certificate
from tests.receiver.server import start_server

TLS_POINTS = 11
OLD = ("-cipher", "ALL:@SECLEVEL=0")


@pytest.fixture(scope="module")
def rsa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key, RSA of 2048 bits."""
    return joined(tmp_path_factory.mktemp("rsa"), old=True)


@pytest.fixture(scope="module")
def ecdsa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key, ECDSA with secp256r1."""
    return joined(tmp_path_factory.mktemp("ecdsa"), old=False)


def joined(folder: Path, *, old: bool) -> Path:
    both = folder / "both.pem"
    both.write_bytes(b"".join(path.read_bytes() for path in make_certificate(folder, "mx.e.org", old=old)))
    return both


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Point]]:
    """The points of a running receiver of ours."""
    folder = tmp_path_factory.mktemp("receiver")
    server = start_server(folder, certificate=make_certificate(folder, "mx.e.org"), hostname="mx.e.org")
    try:
        yield judged(probed_at(server.port, address="127.0.0.1"))
    finally:
        server.stop()


def test_every_point_about_tls_holds_for_a_receiver_of_ours(ours: dict[str, Point]) -> None:
    assert len(ours) == TLS_POINTS
    assert {each.code: str(each) for each in ours.values() if each.outcome is not Outcome.HOLDS} == {}
    assert ours["tls_version"].cause == "TLS 1.3, TLS 1.2 alone"
    assert ours["tls_clientreneg"].cause == "refused"
    assert ours["tls_keyexchange"].cause == "secp256r1, secp384r1, secp521r1, x25519, x448"


def failing(found: dict[str, Point], outcome: Outcome = Outcome.FAILS) -> set[str]:
    return {code for code, each in found.items() if each.outcome is outcome}


@pytest.mark.parametrize(
    ("options", "point", "outcome", "cause"),
    [
        (("-tls1", *OLD), "tls_version", Outcome.FAILS, "offers TLS 1.0"),
        (("-tls1_1", *OLD), "tls_version", Outcome.FAILS, "offers TLS 1.1"),
        (("-cipher", "AES128-SHA"), "tls_ciphers", Outcome.FAILS, "TLS_RSA_WITH_AES_128_CBC_SHA"),
        (("-cipher", "ECDHE-RSA-AES128-SHA"), "tls_ciphers", Outcome.FAILS, "AES_128_CBC_SHA"),
        (
            ("-cipher", "ECDHE-RSA-AES128-SHA256", "-tls1_2"),
            "tls_ciphers",
            Outcome.PHASE_OUT,
            "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        ),
        (
            ("-cipher", "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES128-GCM-SHA256", "-serverpref"),
            "tls_cipherorder",
            Outcome.FAILS,
            "prefers TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256 to TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ),
        (
            ("-cipher", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA256", "-serverpref"),
            "tls_cipherorder",
            Outcome.HOLDS,
            "comes last",
        ),
        (("-no_dhe", "-curves", "P-224:P-256"), "tls_keyexchange", Outcome.PHASE_OUT, "secp224r1"),
        (("-no_dhe", "-curves", "secp256k1:P-256"), "tls_keyexchange", Outcome.FAILS, "secp256k1"),
        (("-sigalgs", "RSA+SHA1:RSA+SHA256", *OLD), "tls_keyexchangehash", Outcome.FAILS, "SHA-1"),
        (
            ("-sigalgs", "RSA+SHA224:RSA+SHA256", *OLD),
            "tls_keyexchangehash",
            Outcome.PHASE_OUT,
            "SHA-224",
        ),
        (("-sigalgs", "RSA+SHA256"), "tls_keyexchangehash", Outcome.HOLDS, "neither"),
        (("-client_renegotiation",), "tls_clientreneg", Outcome.FAILS, "more than 10 times"),
        ((), "tls_clientreneg", Outcome.HOLDS, "refused"),
        (("-early_data", "-max_early_data", "4096"), "tls_0rtt", Outcome.FAILS, "4096 octets"),
        ((), "tls_0rtt", Outcome.HOLDS, "not offered"),
    ],
)
def test_what_a_server_offers_is_judged(
    rsa: Path, options: tuple[str, ...], point: str, outcome: Outcome, cause: str
) -> None:
    with openssl_server(rsa, *options) as port:
        found = judged(probed_at(port))[point]
    assert (found.outcome, cause in found.cause) == (outcome, True), found
    assert outcome is Outcome.HOLDS or found.fix


@pytest.mark.parametrize(
    ("group", "outcome", "name"),
    [
        ("ffdhe3072", Outcome.PHASE_OUT, "ffdhe3072"),
        ("ffdhe2048", Outcome.FAILS, "DH of 2048 bits"),
        ("modp_3072", Outcome.FAILS, "DH of 3072 bits"),
    ],
)
def test_diffie_hellman_is_judged_by_its_prime(
    rsa: Path, tmp_path: Path, group: str, outcome: Outcome, name: str
) -> None:
    parameters = tmp_path / "dh.pem"
    command = ["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", f"group:{group}"]
    subprocess.run([*command, "-out", str(parameters)], check=True, capture_output=True)
    options = ("-dhparam", str(parameters), "-cipher", "DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0", "-tls1_2")
    with openssl_server(rsa, *options) as port:
        found = judged(probed_at(port))["tls_keyexchange"]
    assert (found.outcome, name in found.cause) == (outcome, True), found


def test_a_server_with_tls_1_3_alone_has_nothing_to_renegotiate(ecdsa: Path) -> None:
    with openssl_server(ecdsa, "-tls1_3") as port:
        found = judged(probed_at(port))
    assert failing(found) == failing(found, Outcome.UNKNOWN) == set()
    assert found["tls_clientreneg"].cause == found["tls_secreneg"].cause == "TLS 1.3 has no renegotiation"


SAFE = (RENEGOTIATION_INFO, EXTENDED_MASTER_SECRET)


@pytest.mark.parametrize(
    ("versions", "compression", "extensions", "point"),
    [
        ([Version.TLS_1_2], DEFLATE, SAFE, "tls_compress"),
        ([Version.TLS_1_2], 0, (EXTENDED_MASTER_SECRET,), "tls_secreneg"),
        ([Version.TLS_1_2], 0, (RENEGOTIATION_INFO,), "tls_ems"),
        ([Version.TLS_1_2, Version.SSL_3_0], 0, SAFE, "tls_version"),
        ([Version.TLS_1_2, Version.SSL_2_0], 0, SAFE, "tls_version"),
    ],
)
def test_what_no_openssl_of_today_offers_is_found(
    versions: list[Version], compression: int, extensions: tuple[int, ...], point: str
) -> None:
    with scripted(*versions, compression=compression, extensions=extensions) as port:
        found = judged(probed_at(port))
    # Its suite is an old one, and it never makes a session.
    assert failing(found) == {point, "tls_ciphers"}
    assert found[point].fix


def test_the_same_server_without_the_fault_fails_nothing_of_it() -> None:
    with scripted(Version.TLS_1_2, extensions=SAFE) as port:
        assert failing(judged(probed_at(port))) == {"tls_ciphers"}


def test_without_openssl_only_what_needs_a_session_is_unknown(
    ecdsa: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with openssl_server(ecdsa) as port:
        monkeypatch.setenv("PATH", "/nowhere")
        found = judged(probed_at(port))
    assert failing(found, Outcome.UNKNOWN) == {"tls_clientreneg", "tls_0rtt"}
    assert "openssl cannot be run" in found["tls_0rtt"].cause
