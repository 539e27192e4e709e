"""The certificate that a host wants from an authority."""

from __future__ import annotations

from collections import defaultdict

import pytest

from dns.inventory.host_certificate import WantedCertificate, from_data
from dns.inventory.mail_host import from_data as host_from_data


def read(**data: object) -> tuple[WantedCertificate | None, dict[str, list[str]]]:
    problems: dict[str, list[str]] = defaultdict(list)
    found = from_data(data, problems)
    return found, {key: texts for key, texts in problems.items() if texts}


@pytest.mark.parametrize(
    "authority", ["letsencrypt", "letsencrypt-staging", "https://ca.example.com:8443/acme/dir"]
)
def test_an_authority_is_a_name_or_a_url(authority: str) -> None:
    assert read(certificate=authority) == (WantedCertificate(authority), {})


def test_a_host_without_one_is_self_signed() -> None:
    assert read() == (None, {})


def test_profile_and_zone_of_the_proof_are_read() -> None:
    found, problems = read(
        certificate="letsencrypt", certificate_profile="tlsserver", certificate_proof="Example-ACME.net"
    )
    assert (found, problems) == (WantedCertificate("letsencrypt", "tlsserver", "example-acme.net"), {})


@pytest.mark.parametrize(
    ("data", "key", "said"),
    [
        ({"certificate": "letsencript"}, "certificate", "did you mean letsencrypt"),
        ({"certificate": True}, "certificate", "certificate True is not letsencrypt or letsencrypt-staging"),
        ({"certificate": "http://ca.example.com/dir"}, "certificate", "nor the https:// URL"),
        ({"certificate": "https://ca.example.com/dir; rm"}, "certificate", "nor the https:// URL"),
        ({"certificate": "https://ca/$(id)"}, "certificate", "nor the https:// URL"),
        ({"certificate": "letsencrypt", "certificate_profile": "a b"}, "certificate_profile", "no name of a"),
        (
            {"certificate": "letsencrypt", "certificate_profile": 5},
            "certificate_profile",
            "no name of a profile",
        ),
        (
            {"certificate": "letsencrypt", "certificate_proof": "no zone"},
            "certificate_proof",
            "no name of a zone",
        ),
        ({"certificate_profile": "tlsserver"}, "certificate_profile", "says nothing without certificate"),
        ({"certificate_proof": "example.net"}, "certificate_proof", "says nothing without certificate"),
    ],
)
def test_what_is_wrong_is_said_by_its_key(data: dict[str, object], key: str, said: str) -> None:
    _, problems = read(**data)
    assert list(problems) == [key]
    assert said in problems[key][0]
    host, found = host_from_data("mx1.example.com", {"public_ipv4": "198.51.100.25"} | data)
    assert any(said in str(problem) for problem in found), host
