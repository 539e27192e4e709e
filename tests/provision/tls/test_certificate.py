"""When a certificate is made anew, and what the user is told before: from the host as it is. Pure."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from provision.host import layout
from provision.host.observed import Observed
from provision.host.tls import parse_tls
from provision.service import certificate_is_loaded
from provision.tls.certificate import certificate_commands, remarks
from tests.provision.hosts import (
    BARE,
    CERTIFICATE,
    DEPLOYED,
    KEY,
    NEXT,
    NOW,
    WANTED,
    YEAR,
    with_file,
    without_file,
)

HOSTNAME = "mx1.example.com"
DAY = 86400.0
NO_KEY = replace(DEPLOYED, tls=replace(DEPLOYED.tls, key=None))
NO_KEYS = replace(DEPLOYED, tls=replace(DEPLOYED.tls, key=None, next=None))


def actions(seen: Observed, hostname: str = HOSTNAME) -> str:
    """The actions of the script, without its functions."""
    scripts = (shlex.split(str(command))[2] for command in certificate_commands(seen, hostname))
    return " ; ".join(script.rpartition("\n}\n")[2].strip() for script in scripts)


def with_certificate(**changed: Any) -> Observed:
    return replace(DEPLOYED, tls=replace(DEPLOYED.tls, certificate=replace(CERTIFICATE, **changed)))


AUTHORITY = {"self_signed": False, "begins": NOW - 60 * DAY}
CASES = {
    "it is good": (with_certificate(), False),
    "it has expired": (with_certificate(ends=NOW - 1), True),
    "it is in the last third of its life": (
        with_certificate(begins=NOW - 7 * YEAR, ends=NOW + 3 * YEAR),
        True,
    ),
    "it is in its second third": (with_certificate(begins=NOW - 6 * YEAR, ends=NOW + 4 * YEAR), False),
    "it names another host": (with_certificate(names=("old.example.com",)), True),
    "it names the host and another": (with_certificate(names=("old.example.com", HOSTNAME)), False),
    "it names the domain by a wildcard": (with_certificate(names=("*.example.com",)), False),
    "it is another key's": (with_certificate(spki=NEXT.spki), True),
    "it cannot be read": (replace(DEPLOYED, tls=replace(DEPLOYED.tls, certificate=None)), True),
    "an authority's has a day left": (with_certificate(**AUTHORITY, ends=NOW + DAY), False),
    "an authority's has expired": (with_certificate(**AUTHORITY, ends=NOW - 1), True),
    "the clock of the host is a day behind": (with_certificate(begins=NOW + DAY), False),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_made_anew_from_the_same_key_only_if(case: str) -> None:
    seen, anew = CASES[case]
    assert actions(seen) == ("self_signed current" if anew else "")


def test_a_key_never_leaves_the_host() -> None:
    (command,) = certificate_commands(BARE, HOSTNAME)
    assert command.connector_arguments == {}


def test_without_openssl_the_keys_that_lie_there_are_not_taken_for_none() -> None:
    unread = replace(DEPLOYED, missing_packages=("openssl",), tls=parse_tls({}))
    assert [str(each) for each in certificate_commands(unread, HOSTNAME)] == ["openssl version"]
    assert list(remarks(unread)) == []


RENEWED = {
    "it is good": (with_certificate(), ""),
    "it has expired": (with_certificate(self_signed=False, ends=NOW - 1), ""),
    "it names another host": (with_certificate(self_signed=False, names=("old.example.com",)), ""),
    "it is another key's": (with_certificate(spki=NEXT.spki), "self_signed current"),
    "it cannot be read": (
        replace(DEPLOYED, tls=replace(DEPLOYED.tls, certificate=None)),
        "self_signed current",
    ),
}


@pytest.mark.parametrize("case", RENEWED)
def test_a_certificate_that_another_unit_writes_is_judged_by_its_key_alone(case: str) -> None:
    seen, action = RENEWED[case]
    path = f"{layout.KEY_IN_USE}/certificate.pem"
    link = replace(DEPLOYED.files[layout.KEY], target="/var/lib/letterbox-certificate/0/certificate.pem")
    seen = replace(seen, files={**seen.files, path: link})
    assert actions(seen) == action
    assert certificate_is_loaded(seen, WANTED) == (action == "")


SAID = {
    "a whole host": (DEPLOYED, ""),
    "a bare host": (BARE, ""),
    "the key is no key": (
        NO_KEY,
        "is no key that openssl can use (what is there is kept as key.pem.unusable): the",
    ),
    "the key is gone": (
        replace(without_file(layout.KEY), tls=NO_KEY.tls),
        "/etc/letterbox/tls/key.pem is gone: the next key takes its place",
    ),
    "no key can be used": (
        NO_KEYS,
        "a NEW key is made, and senders that do DANE wait until the TLSA records are",
    ),
    "the key is a link to another folder": (
        with_file(layout.KEY, target="/etc/pki/mx.key"),
        "/etc/letterbox/tls/key.pem is a link to /etc/pki/mx.key: its key and certificate are copied",
    ),
    "the certificate is another key's": (
        with_certificate(spki=NEXT.spki),
        "certificate.pem does not belong to /etc/letterbox/tls/key.pem: the key stays",
    ),
}


@pytest.mark.parametrize("case", SAID)
def test_what_happens_to_a_key_is_said_before(case: str) -> None:
    seen, said = SAID[case]
    lines = list(remarks(seen))
    assert len(lines) == (1 if said else 0)
    assert said in "".join(lines)


def test_a_key_that_is_used_has_the_digest_of_its_tlsa_record() -> None:
    """From `openssl pkey -pubout`, as `openssl pkey -pubin -outform DER | sha256sum` prints it."""
    lines = [
        "-----BEGIN PUBLIC KEY-----",
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZg9wS4yGJ6Z87A6oWmzF5ij0tEP/",
        "oR+qfl5xPUWFhVPy3X2LAVnleu77xV21r3DHzES0xiRckXrPZYo83xdenQ==",
        "-----END PUBLIC KEY-----",
    ]
    key = parse_tls({"tls": ["/usr/bin/openssl"], "key": lines}).key
    assert key and key.spki == "cefdd25f12be26eaa087100b0d85ab4017e616b072c2e6b93b6275fc846eb6c7"


@pytest.mark.parametrize("lines", [[], ["Could not read private key"], ["-----BEGIN PUBLIC KEY-----", "!"]])
def test_what_is_no_key_has_no_digest(lines: list[str]) -> None:
    assert parse_tls({"tls": ["/usr/bin/openssl"], "key": lines}).key is None


def test_a_request_is_for_its_key_and_its_host_alone() -> None:
    assert KEY.has_request_for(HOSTNAME)
    assert not KEY.has_request_for("x1.example.com")
    assert not KEY.has_request_for(f"{HOSTNAME}.test")
    assert not replace(KEY, request=NEXT.request).has_request_for(HOSTNAME)
