"""Reading the keys of a host: the script with real openssl, and what becomes of broken answers."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from dns import tlsa
from dns.inventory import host_keys, over_ssh
from dns.inventory.host_keys import HostKeys, parse_keys
from dns.inventory.mail_host import MailHost
from provision.renewal import program
from tests.deploys import ROOT
from tests.dns.dane.keys import FIRST, SECOND
from tests.dns.loopback.world import MailHost as Served
from tests.dns.mta_sts.chains import authority, leaf
from tests.dns.mta_sts.chains import served as served_chain

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


def read(folder: Path, *places: str, kept_here: str = "") -> HostKeys:
    script = host_keys.script(str(folder), places, str(folder / "state.json"))
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    return parse_keys(done.stdout.splitlines(), kept_here)


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
    assert found.chain == (base64.b64encode(der).decode(),)
    assert found.unread == ""


def test_the_whole_chain_is_read_in_the_order_in_which_it_is_served(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    root = authority("Root", now)
    issuer = authority("Issuer", now, root)
    key = ec.generate_private_key(ec.SECP256R1())
    chain = [leaf(now, issuer, key=key), issuer.certificate, root.certificate]
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "both.pem").write_bytes(pem + b"".join(each.public_bytes(Encoding.PEM) for each in chain))
    with Served("127.0.0.1", 0, tmp_path / "both.pem") as host:
        found = read(tmp_path, "127.0.0.1:9", f"127.0.0.1:{host.port}")
    assert list(found.chain) == served_chain(*chain)


@pytest.mark.parametrize(
    ("state", "account"),
    [
        (
            {"account": "https://acme-v02.api.letsencrypt.org/acme/acct/1"},
            ("https://acme-v02.api.letsencrypt.org/acme/acct/1", ("letsencrypt.org",)),
        ),
        (
            {"account": "https://acme-staging-v02.api.letsencrypt.org/acme/acct/2", "identities": []},
            ("https://acme-staging-v02.api.letsencrypt.org/acme/acct/2", ("letsencrypt.org",)),
        ),
        (
            {"account": "https://ca.test/1", "identities": ["CA.test", "ca.test", "pki.test", 3, "a;b"]},
            ("https://ca.test/1", ("ca.test", "pki.test")),
        ),
        ({"account": "https://ca.test/1"}, ("https://ca.test/1", ())),
        ({"account": "https://acme-v02.api.letsencrypt.org.evil.test/1"}, None),
        ({"account": "https://ca.test/1; x", "identities": ["ca.test"]}, ("", ())),
        ({"account": 'https://ca.test/"', "identities": ["ca.test"]}, ("", ())),
        ({"account": "https://ca.test/1\n", "identities": ["ca.test"]}, ("", ())),
        ({"account": "", "identities": ["ca.test"]}, ("", ())),
        ({"account": None, "outcome": "it failed * $(x)"}, ("", ())),
        ([1], ("", ())),
    ],
)
def test_the_account_of_the_renewal_is_read(
    tmp_path: Path, state: object, account: tuple[str, tuple[str, ...]] | None
) -> None:
    (tmp_path / "state.json").write_text(json.dumps(state, indent=1))
    found = read(tmp_path, kept_here=json.dumps({"account": "https://here.test/1"}))
    expected = account or ("https://acme-v02.api.letsencrypt.org.evil.test/1", ())
    assert (found.account, found.identities) == expected


def test_the_state_that_this_machine_keeps_counts_only_if_the_host_has_none(tmp_path: Path) -> None:
    kept = json.dumps({"account": "https://here.test/1", "identities": ["here.test"]})
    assert read(tmp_path, kept_here=kept).account == "https://here.test/1"
    (tmp_path / "state.json").write_text("{")
    assert read(tmp_path, kept_here=kept).account == ""


def test_the_state_of_a_host_is_looked_for_where_the_renewal_of_this_machine_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ssh_runs: Callable[[str], None]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = program.state_folder(HOST.hostname) / "state.json"
    path.write_text(json.dumps({"account": "https://here.test/1", "identities": ["here.test"]}))
    ssh_runs("echo '##letterbox-answer##'; echo keys")
    assert over_ssh.read_keys(HOST).account == "https://here.test/1"


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


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user without a home folder")
def test_a_user_without_a_home_folder_keeps_no_account() -> None:
    code = (
        "import os\nfrom dns.inventory import host_account\nos.setuid(54321)\n"
        "print([host_account.kept_here('mx1.e.test')])"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert done.stdout == "['']\n", done.stderr
