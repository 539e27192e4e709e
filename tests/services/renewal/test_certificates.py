"""What a new certificate must be before it takes the place of one that works."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.renewal.certificates import Request, check_issued, read_certificate, read_request
from services.renewal.errors import RenewalError
from tests.services.renewal import keys

NAME = "mx1.example.test"
KEY, SIGNER, STRANGER = keys.make_key(), keys.make_key(), keys.make_key()
CHAIN = keys.authority(SIGNER)
DAY = timedelta(days=1)


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    (tmp_path / "request.pem").write_bytes(keys.request(KEY, NAME))
    return read_request(tmp_path / "request.pem")


def test_a_right_certificate_passes(request_: Request) -> None:
    found = check_issued(keys.certificate(KEY, signer=SIGNER) + CHAIN, request_, datetime.now(UTC))
    assert (found.names, found.key, found.self_signed) == ((NAME,), request_.key, False)


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        (keys.certificate(STRANGER, signer=SIGNER) + CHAIN, "for another key than the request's"),
        (
            keys.certificate(KEY, ("mx2.example.test",), signer=SIGNER) + CHAIN,
            "for mx2.example.test, not for mx1",
        ),
        (
            keys.certificate(KEY, (NAME, "x.test"), signer=SIGNER) + CHAIN,
            f"for {NAME}, x.test, not for {NAME}",
        ),
        (keys.certificate(KEY, signer=SIGNER, left=-DAY) + CHAIN, "is the clock right?"),
        (keys.certificate(KEY, signer=SIGNER), "without its issuer's"),
        (keys.certificate(KEY, signer=SIGNER) + keys.authority(STRANGER), "a chain that is broken"),
        (CHAIN + keys.certificate(KEY, signer=SIGNER), "for another key"),
        (b"", "no certificate that can be read"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "no certificate that can be read",
        ),
        (keys.certificate(KEY, signer=SIGNER)[:-40] + CHAIN, "no certificate that can be read"),
    ],
)
def test_a_wrong_certificate_is_never_installed(request_: Request, pem: bytes, said: str) -> None:
    with pytest.raises(RenewalError) as error:
        check_issued(pem, request_, datetime.now(UTC))
    assert said in str(error.value)


def test_less_than_an_hour_of_a_long_life_is_too_little(request_: Request) -> None:
    pem = keys.certificate(KEY, signer=SIGNER, left=timedelta(minutes=59)) + CHAIN
    with pytest.raises(RenewalError, match="is valid until"):
        check_issued(pem, request_, datetime.now(UTC))


def test_a_short_life_needs_half_of_it(request_: Request) -> None:
    for left, good in ((40, True), (20, False)):
        life = {"life": timedelta(seconds=60), "left": timedelta(seconds=left)}
        pem = keys.certificate(KEY, signer=SIGNER, **life) + CHAIN  # type: ignore[arg-type]
        if good:
            check_issued(pem, request_, datetime.now(UTC))
        else:
            with pytest.raises(RenewalError):
                check_issued(pem, request_, datetime.now(UTC))


def test_the_key_of_a_request_is_the_digest_of_its_spki(tmp_path: Path) -> None:
    """As `openssl req -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum`, and as TLSA 3 1 1."""
    from hashlib import sha256

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    (tmp_path / "request.pem").write_bytes(keys.request(KEY, NAME.upper()))
    found = read_request(tmp_path / "request.pem")
    spki = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert (found.key, found.id) == (sha256(spki).hexdigest(), sha256(spki).hexdigest()[:16])
    assert found.names == (NAME,)


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        (b"", "is not a certificate request"),
        (CHAIN, "is not a certificate request"),
        (keys.request(KEY), "asks for no DNS name"),
    ],
)
def test_a_request_that_is_none(tmp_path: Path, pem: bytes, said: str) -> None:
    (tmp_path / "request.pem").write_bytes(pem)
    with pytest.raises(RenewalError) as error:
        read_request(tmp_path / "request.pem")
    assert said in str(error.value)
    assert "deploy again" in str(error.value)


def test_a_file_without_a_certificate_counts_as_none(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    assert read_certificate(file) is None
    for content in (b"", b"nonsense", keys.private(KEY), keys.certificate(KEY)[:100]):
        file.write_bytes(content)
        assert read_certificate(file) is None
    with pytest.raises(RenewalError):
        read_certificate(tmp_path)
