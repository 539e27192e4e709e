"""Reading the keys of a host: the script with real openssl, and what becomes of broken answers."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dns import tlsa
from dns.inventory import host_keys, over_ssh
from dns.inventory.host_keys import HostKeys, parse_keys
from dns.inventory.mail_host import MailHost
from tests.dns.dane.keys import FIRST, SECOND
from tests.dns.loopback.world import MailHost as Served

HOST = MailHost("mx1", "mx1.example.test", None, None)


@pytest.fixture
def served(certificate: Path) -> Iterator[Served]:
    """A mail host on loopback that speaks STARTTLS."""
    with Served("127.0.0.1", 0, certificate) as host:
        yield host


def request(folder: Path) -> None:
    """A certificate request of a key of its own."""
    folder.mkdir()
    words = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=mx1")
    files = ("-keyout", str(folder / "key.pem"), "-out", str(folder / "request.pem"))
    subprocess.run(["openssl", *words, *files], check=True, capture_output=True)


def read(folder: Path, *places: str) -> HostKeys:
    script = host_keys.script(str(folder), places)
    return parse_keys(
        subprocess.run(["sh", "-c", script], capture_output=True, text=True).stdout.splitlines()
    )


def spki(path: Path) -> str:
    from cryptography.hazmat.primitives.serialization import PublicFormat

    key = x509.load_pem_x509_csr((path / "request.pem").read_bytes()).public_key()
    import hashlib

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def test_the_script_reads_current_and_next_and_what_is_served(
    tmp_path: Path, served: Served, certificate: Path
) -> None:
    request(tmp_path / "current")
    request(tmp_path / "next")
    der = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
    found = read(tmp_path, f"127.0.0.1:{served.port}")
    assert (found.current, found.next) == (spki(tmp_path / "current"), spki(tmp_path / "next"))
    assert found.served == {tlsa.key_digest(der)}
    assert found.unread == ""


def test_a_host_without_keys_and_without_a_service_has_none(tmp_path: Path, served: Served) -> None:
    served.close()
    (tmp_path / "current").mkdir()
    (tmp_path / "current" / "request.pem").write_text("broken")
    assert read(tmp_path, f"127.0.0.1:{served.port}") == HostKeys()


def test_an_answer_that_holds_the_digest_of_nothing_is_unread() -> None:
    found = parse_keys(["keys", f"current {tlsa.NOTHING}", f"next {SECOND}"])
    assert "its current key cannot be read: it is the digest of nothing" in found.unread
    assert found.published == ()


def test_a_banner_before_the_answer_does_not_count_and_no_answer_is_unread() -> None:
    assert parse_keys(["Welcome", "current user: root", "keys", f"current {FIRST}"]) == HostKeys(FIRST)
    assert parse_keys([]).unread == "it printed something else than its keys"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 255", "over ssh (exit code 255)"),
        ("echo Connection refused >&2; exit 255", "over ssh (Connection refused)"),
        ("echo hello", "in place of an answer the host printed 'hello'"),
    ],
)
def test_a_host_that_cannot_be_asked_is_unread_with_the_reason(
    ssh_runs: Callable[[str], None], script: str, said: str
) -> None:
    ssh_runs(script)
    assert said in over_ssh.read_keys(HOST).unread


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_command_runs_in_the_login_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    """The last argument of ssh is what the login shell of the host gets."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/bash\nexec {shell} -c "${{@: -1}}"\n')
    ssh.chmod(0o755)
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\nshift\nexec "$@"\n')
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert over_ssh.read_keys(HOST).unread == ""
