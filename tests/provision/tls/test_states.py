"""From every state of keys and certificates, one deploy makes a whole one, and a usable key stays."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provision.host import tls
from tests.provision.tls.place import HOSTNAME, Place, old_layout


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty host: the step Folders has made the folders."""
    (tmp_path / "keys").mkdir(mode=0o750)
    return Place(tmp_path)


@pytest.fixture
def old(place: Place) -> Place:
    """A host of 0.2.0."""
    old_layout(place)
    return place


@pytest.fixture
def deployed(place: Place) -> Place:
    """A host as it should be."""
    assert place.deploy() == 1
    return place


def is_whole(place: Place, hostname: str = HOSTNAME) -> None:
    """The host serves its key by a certificate in its name, has a next key, and needs nothing more."""
    place.serves()
    assert place.deploy(hostname) == 0, "a second run changes nothing"
    key, following = place.keys()
    assert key and following and key != following
    assert place.listing() == sorted(
        [
            *("certificate.pem", "current", "key.pem", "next"),
            *(
                f"keys/{each[:16]}/{name}.pem"
                for each in (key, following)
                for name in ("certificate", "key", "request")
            ),
        ]
    )
    for name in ("certificate", "request"):
        kind = "x509" if name == "certificate" else "req"
        for link in ("current", "next"):
            command = ["openssl", kind, "-in", str(place.folder / link / f"{name}.pem"), "-noout", "-text"]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            assert f"DNS:{hostname}" in said, (link, name)


def test_a_bare_host_gets_a_key_the_next_one_and_a_certificate(deployed: Place) -> None:
    is_whole(deployed)


def test_the_plain_files_of_earlier_releases_move_with_their_key_and_certificate(old: Place) -> None:
    key, certificate = old.keys()[0], (old.folder / "certificate.pem").read_text()
    assert old.deploy() == 1
    is_whole(old)
    assert old.keys()[0] == key
    assert (old.folder / "certificate.pem").read_text() == certificate
    assert (old.folder / "key.pem").readlink() == Path("current/key.pem")


SAN = "-subj /CN=x -addext subjectAltName=DNS:{}"
OTHER = (
    f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes {SAN} -keyout k.tmp -out c.tmp; "
).format(HOSTNAME)
PUT = "cat c.tmp > certificate.pem; rm -f *.tmp"
CERTIFICATES = {
    "names another host": f"openssl req -x509 -key key.pem {SAN} -out c.tmp; ".format("other.example.com"),
    "is none": "echo nonsense > c.tmp; ",
    "is another key's": OTHER,
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_a_certificate_that_is_no_good_is_made_anew_from_the_same_key(deployed: Place, case: str) -> None:
    before = deployed.keys()
    deployed.make(CERTIFICATES[case] + PUT)
    assert deployed.deploy() == 1
    is_whole(deployed)
    assert deployed.keys() == before


def test_another_name_of_the_host_changes_requests_and_certificate_and_no_key(deployed: Place) -> None:
    before = deployed.keys()
    assert deployed.deploy("mail.example.com") == 1
    is_whole(deployed, "mail.example.com")
    assert deployed.keys() == before


def test_a_name_too_long_for_a_common_name_is_in_the_certificate(place: Place) -> None:
    name = f"{'a' * 63}.{'b' * 63}.example.com"
    assert place.deploy(name) == 1
    is_whole(place, name)


KEPT = {
    "a link is gone": "rm certificate.pem",
    "the link of the key is gone": "rm key.pem",
    "both links are gone": "rm key.pem certificate.pem",
    "the link to the key in use is gone, and the paths are files": (
        "cp --remove-destination current/key.pem key.pem; "
        "cp --remove-destination current/certificate.pem certificate.pem; rm current"
    ),
    "an earlier release wrote its certificate over the link": (
        "cp current/certificate.pem c.tmp; mv -T c.tmp certificate.pem"
    ),
    "the request is gone": "rm current/request.pem",
    "the request is another key's": "cp next/request.pem current/request.pem",
    "the request of the next key is gone": "rm next/request.pem",
    "the certificate of the next key is gone": "rm next/certificate.pem",
    "the key in use may be read by all": "chmod 644 current/key.pem",
    "the next key may be read by the service": "chmod 640 next/key.pem",
    "the folder of the next key may be entered by all": "chmod 755 next/.",
}


@pytest.mark.parametrize("case", KEPT)
def test_what_is_wrong_is_put_right_and_both_keys_stay(deployed: Place, case: str) -> None:
    before = deployed.keys()
    deployed.make(KEPT[case])
    assert deployed.deploy() == 1
    is_whole(deployed)
    assert deployed.keys() == before


NEXT = {
    "is gone": "rm next",
    "is no key": "echo nonsense > next/key.pem",
    "is the key in use": "ln -sfnT $(readlink current) next",
    "lies in the folder of another": "cp current/key.pem next/key.pem",
    "needs a passphrase": "openssl pkey -in next/key.pem -aes256 -passout pass:x -out k && mv k next/key.pem",
}


@pytest.mark.parametrize("case", NEXT)
def test_a_next_key_that_cannot_be_used_is_made_anew(deployed: Place, case: str) -> None:
    key, following = deployed.keys()[0], (deployed.folder / "next").readlink().name
    deployed.make(NEXT[case])
    assert deployed.deploy() == 1
    if case in (
        "is gone",
        "is the key in use",
    ):  # The deploy removes a key that nothing names when it is ten minutes old.
        deployed.make(f"rm -r keys/{following}")
    is_whole(deployed)
    assert deployed.keys()[0] == key
    assert (deployed.folder / "next").readlink().name != following


@pytest.mark.parametrize(
    "how", ["cat k.tmp > key.pem", "mv -T k.tmp key.pem; cp c.tmp x; mv -T x certificate.pem"]
)
def test_a_pair_that_somebody_put_there_is_used_with_its_key(deployed: Place, how: str) -> None:
    following = deployed.keys()[1]
    deployed.make(f"{OTHER} {how}; {PUT}")
    given = deployed.keys()[0]
    assert deployed.deploy() == 1
    is_whole(deployed)
    assert deployed.keys() == (given, following)


@pytest.mark.parametrize("text", ["", "nonsense"])
def test_if_the_key_is_lost_the_next_one_takes_its_place(deployed: Place, text: str) -> None:
    following = deployed.keys()[1]
    (deployed.folder / "key.pem").write_text(text)
    assert deployed.deploy() == 1
    aside = deployed.folder / "key.pem.unusable"
    assert (aside.read_text() if aside.exists() else "") == text
    aside.unlink(missing_ok=True)
    is_whole(deployed)
    assert deployed.keys()[0] == following


def test_if_no_key_can_be_used_a_new_one_is_made(deployed: Place) -> None:
    before = deployed.keys()
    deployed.make("echo nonsense > next/key.pem; : > current/key.pem")
    assert deployed.deploy() == 1
    is_whole(deployed)
    assert not set(before) & set(deployed.keys())


def test_keys_that_nothing_names_are_left_over_and_what_is_not_ours_is_named(deployed: Place) -> None:
    assert (deployed.named_by(tls.UNUSED), deployed.named_by(tls.FOREIGN)) == ([], [])
    old, young = (f"keys/{digit * 16}" for digit in "01")
    deployed.make(f"mkdir {old} {young} keys/77.new keys/notes; touch {old}/key.pem {old}/notes keys/a")
    deployed.make(f"touch -d '1 hour ago' {old} keys/77.new keys/notes")
    assert deployed.named_by(tls.UNUSED) == [old, "keys/77.new"]
    assert deployed.named_by(tls.FOREIGN) == [f"{old}/notes", "keys/a", "keys/notes"]
    deployed.make("rm next")
    assert deployed.named_by(tls.UNUSED) == [], "without both links nobody can tell what is unused"
