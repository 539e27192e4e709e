"""Whether a sender that verifies accepts what a host serves, and in which words it is said if it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from dns.errors import SyncError
from dns.mta_sts.certificates import problem_with
from tests.dns.mta_sts.chains import HOST, Leaf, Signer, authority, leaf, served

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ROOT = authority("Root", NOW)
ISSUER = authority("Issuer", NOW, ROOT)
OTHER = authority("Unknown", NOW)
GOOD = Leaf()


def trust(monkeypatch: pytest.MonkeyPatch, folder: Path, *signers: Signer) -> None:
    """Let this machine trust only these."""
    file = folder / "trusted.pem"
    file.write_bytes(b"".join(each.certificate.public_bytes(Encoding.PEM) for each in signers))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder / "none"))


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trust(monkeypatch, tmp_path, ROOT)


def chain(what: Leaf = GOOD, of: Signer | None = ISSUER, *more: Signer) -> list[str]:
    return list(served(leaf(NOW, of, what), *(each.certificate for each in more)))


@pytest.mark.parametrize(
    "what",
    [
        GOOD,
        replace(GOOD, names=("other.test", HOST)),
        replace(GOOD, names=("*.example.test",)),
        replace(GOOD, end=5 * DAY + timedelta(minutes=1)),
        replace(GOOD, start=-4 * DAY, end=2.7 * DAY),
    ],
    ids=["plain", "two names", "wildcard", "good for five days", "six days long, and not yet due"],
)
def test_a_certificate_that_is_good_for_long_enough_is_accepted(what: Leaf) -> None:
    assert problem_with(HOST, chain(what, ISSUER, ISSUER), NOW) == ""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (replace(GOOD, end=-DAY), "its certificate ran out on 2026-11-25"),
        (replace(GOOD, end=4 * DAY), "its certificate runs out soon, on 2026-11-30 12:00 UTC"),
        (replace(GOOD, start=-4.5 * DAY, end=2 * DAY), "its certificate runs out soon, on 2026-11-28"),
        (replace(GOOD, start=DAY), "its certificate is good only from 2026-11-27 12:00 UTC on"),
        (
            replace(GOOD, names=("a.test", "b.test")),
            "its certificate is for a.test, b.test, and not for mx1.example.test",
        ),
        (replace(GOOD, names=("*.mx1.example.test",)), "its certificate is for *.mx1.example.test, and not"),
        (replace(GOOD, names=("*.test",)), "its certificate is for *.test, and not for"),
        (replace(GOOD, usage=(ExtendedKeyUsageOID.CLIENT_AUTH,)), "its certificate is refused ("),
    ],
)
def test_a_certificate_of_an_authority_that_is_refused_has_its_reason_in_words(what: Leaf, said: str) -> None:
    assert problem_with(HOST, chain(what, ISSUER, ISSUER), NOW).startswith(said)


def test_what_is_missing_on_the_way_to_an_authority_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = {
        "self-signed": problem_with(HOST, chain(GOOD, None), NOW),
        "without the intermediate": problem_with(HOST, chain(), NOW),
        "another intermediate": problem_with(HOST, chain(GOOD, ISSUER, OTHER), NOW),
        "of an unknown authority": problem_with(HOST, chain(GOOD, OTHER, OTHER), NOW),
    }
    assert said == {
        "self-signed": "its certificate is self-signed",
        "without the intermediate": "its certificate is served without that of its issuer (Issuer), which "
        "this machine does not trust itself",
        "another intermediate": "its certificate is served without that of its issuer (Issuer), which this "
        "machine does not trust itself",
        "of an unknown authority": "its certificate is of Unknown, which this machine does not trust",
    }
    trust(monkeypatch, tmp_path, ROOT, OTHER)
    assert problem_with(HOST, chain(GOOD, OTHER, OTHER), NOW) == ""
    assert problem_with(HOST, chain(GOOD, OTHER), NOW) == "", "a root need not be served"


def test_a_certificate_of_a_staging_authority_is_a_test_one() -> None:
    root = authority("(STAGING) Pretend Pear X1", NOW)
    issuer = authority("(STAGING) Riddling Rhubarb R12", NOW, root)
    assert problem_with(HOST, chain(GOOD, issuer, issuer), NOW) == (
        "its certificate is a test one ((STAGING) Riddling Rhubarb R12), which nobody trusts"
    )


def test_an_issuer_that_runs_out_is_named() -> None:
    soon = authority("Issuer", NOW, ROOT, ends=2 * DAY)
    assert problem_with(HOST, chain(GOOD, soon, soon), NOW) == (
        "the certificate of its issuer (Issuer) runs out soon, on 2026-11-28 12:00 UTC"
    )


def test_an_issuer_of_the_same_name_and_another_key_vouches_for_nothing() -> None:
    same_name = authority("Root", NOW)
    assert "is of Root" in problem_with(HOST, chain(GOOD, same_name, same_name), NOW)


def test_a_host_that_serves_nothing_or_what_is_no_certificate_has_a_problem() -> None:
    assert problem_with(HOST, (), NOW) == "its port 25 serves no certificate"
    for broken in ("!", "AAAA", ""):
        said = problem_with(HOST, [broken], NOW)
        assert said.startswith("its port 25 serves a certificate that cannot be read ("), broken


def test_on_a_machine_that_trusts_nobody_it_cannot_be_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trust(monkeypatch, tmp_path)
    with pytest.raises(SyncError, match="install the package ca-certificates"):
        problem_with(HOST, chain(GOOD, ISSUER, ISSUER), NOW)


def test_a_file_of_trusted_certificates_that_changes_is_read_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = chain(GOOD, OTHER, OTHER)
    assert problem_with(HOST, given, NOW)
    trust(monkeypatch, tmp_path, OTHER)
    assert problem_with(HOST, given, NOW) == ""
