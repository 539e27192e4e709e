"""What the deploy has put on a host, judged by its files: owners, release, what is loaded, certificate."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from receiver.config.values import Config, TLSFiles
from receiver.doctor.certificate import check_certificate
from receiver.doctor.deployed import check_release, compare
from receiver.loaded import Loaded
from receiver.recipients import Domain

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root owns a release")


def a_release(folder: Path) -> Path:
    """A release with one package, and the link to it."""
    lib = folder / "releases/abc/lib"
    (lib / "one-1.dist-info").mkdir(parents=True)
    (lib / "one.py").write_text("x = 1\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"x = 1\n").digest()).rstrip(b"=").decode()
    record = f"one.py,sha256={digest},6\none-1.dist-info/RECORD,,\nbin/one,sha256=x,1\n"
    (lib / "one-1.dist-info/RECORD").write_text(record)
    for path in (folder / "releases/abc").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (folder / "releases/abc").chmod(0o755)
    current = folder / "current"
    current.symlink_to("releases/abc")
    return current


@ROOT_ONLY
def test_a_whole_release_holds_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    current = a_release(tmp_path)
    assert check_release(current).holds is True
    (current / "lib/one.py").write_text("x = 2\n")
    link = check_release(current)
    assert (link.holds, "one.py is not as it was built" in link.evidence) == (False, True)
    (current / "lib/one.py").unlink()
    assert "one.py is missing" in check_release(current).evidence


@ROOT_ONLY
def test_a_manifest_is_compared_if_there_is_one(tmp_path: Path) -> None:
    current = a_release(tmp_path)
    digest = hashlib.sha256(b"x = 1\n").hexdigest()
    (current / "manifest").write_text(f"{digest}  ./lib/one.py\n")
    (current / "manifest").chmod(0o644)
    assert check_release(current).holds is True
    (current / "lib/one.py").write_text("x = 2\n")
    assert check_release(current).fix == "pyinfra inventory.py deploy.py"


@ROOT_ONLY
@pytest.mark.parametrize(
    ("extension", "said"),
    [
        ("loop.cpython-399-x86_64-linux-gnu.so", "abc was built for Python 3.99, and this host has 3."),
        (f"loop.{sys.implementation.cache_tag}-x86_64-linux-gnu.so", ""),
        ("nh3.abi3.so", ""),
    ],
)
def test_a_release_that_was_built_for_another_python_is_to_be_deployed_anew(
    tmp_path: Path, extension: str, said: str
) -> None:
    current = a_release(tmp_path)
    (current / "lib" / extension).touch(0o644)
    link = check_release(current)
    assert link.holds is not bool(said)
    assert said in link.evidence


@ROOT_ONLY
def test_a_release_that_others_may_change_is_broken(tmp_path: Path) -> None:
    current = a_release(tmp_path)
    (current / "lib/one.py").chmod(0o666)
    link = check_release(current)
    assert (link.holds, link.fix.startswith("chown -R root: ")) == (False, True)


def test_without_a_release_or_digests_it_cannot_be_told(tmp_path: Path) -> None:
    assert check_release(tmp_path / "current").holds is None


@ROOT_ONLY
def test_a_release_without_digests_cannot_be_told(tmp_path: Path) -> None:
    current = a_release(tmp_path)
    (current / "lib/one-1.dist-info/RECORD").unlink()
    assert check_release(current).holds is None


@pytest.mark.parametrize(
    ("configuration", "release", "holds"),
    [("same", "abc", True), ("other", "abc", False), ("same", "def", False), (None, "abc", None)],
)
def test_what_is_loaded_is_compared_with_the_disk(
    tmp_path: Path, configuration: str | None, release: str, holds: bool | None
) -> None:
    current = a_release(tmp_path)
    toml = tmp_path / "letterbox.toml"
    toml.write_text("same")
    digest = hashlib.sha256(configuration.encode()).hexdigest() if configuration else None
    link = compare(Loaded(digest, release, None, None, 1, "0.3"), toml, current)
    assert link.holds is holds
    assert ("systemctl restart" in link.fix) == (holds is False)


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("tls")
    files = TLSFiles(folder / "certificate.pem", folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=mx.e.test"]
    command += ["-addext", "subjectAltName=DNS:mx.e.test", "-days", "10"]
    command += ["-keyout", str(files.key), "-out", str(files.certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return Config("mx.e.test", folder, (Domain("e.test", frozenset({"a"}), {}),), files)


def test_a_certificate_holds_in_its_time_and_for_its_name(certified: Config) -> None:
    link = check_certificate(certified)
    assert link.holds is True
    assert link.evidence.startswith("self-signed, for mx.e.test, until ")
    assert link.evidence.endswith(" (9 days), of the key in use")
    now = datetime.now(UTC)
    late, early = now + timedelta(days=365), now - timedelta(days=365)
    assert "has expired" in check_certificate(certified, late).evidence
    assert "timedatectl" in check_certificate(certified, early).fix
    other = Config("mx.other.test", certified.mail, certified.domains, certified.tls)
    assert "does not name mx.other.test" in check_certificate(other).evidence


def test_a_certificate_that_cannot_be_read_is_broken(certified: Config, tmp_path: Path) -> None:
    broken = tmp_path / "certificate.pem"
    broken.write_text("nothing")
    config = Config("mx.e.test", tmp_path, certified.domains, TLSFiles(broken, broken))
    assert check_certificate(config).holds is False


def test_a_certificate_of_another_key_is_broken(certified: Config, tmp_path: Path) -> None:
    assert certified.tls
    other = tmp_path / "key.pem"
    command = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    subprocess.run([*command, "-out", str(other)], check=True, capture_output=True)
    config = Config("mx.e.test", tmp_path, certified.domains, TLSFiles(certified.tls.certificate, other))
    assert "do not belong together" in check_certificate(config).evidence


def test_an_authority_is_named_and_so_is_the_next_key(certified: Config, tmp_path: Path) -> None:
    assert certified.tls
    files = TLSFiles(tmp_path / "certificate.pem", tmp_path / "key.pem")
    (tmp_path / "current").symlink_to("keys/0")
    (tmp_path / "keys" / "0").mkdir(parents=True)
    request = tmp_path / "request.pem"
    files.key.write_bytes(certified.tls.key.read_bytes())
    new = ["req", "-new", "-key", str(files.key), "-subj", "/CN=mx.e.test"]
    new += ["-addext", "subjectAltName=DNS:mx.e.test", "-out", str(request)]
    authority = tmp_path / "authority.pem"
    root = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/C=XX/O=Somebody/CN=Somebody's R1"]
    root += ["-keyout", str(tmp_path / "root.key"), "-out", str(authority)]
    sign = ["x509", "-req", "-in", str(request), "-CA", str(authority), "-CAkey", str(tmp_path / "root.key")]
    sign += ["-copy_extensions", "copy", "-days", "45", "-out", str(files.certificate)]
    for command in (new, root, sign):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    config = Config("mx.e.test", tmp_path, certified.domains, files)
    link = check_certificate(config)
    assert link.holds is True
    assert link.evidence.startswith("from Somebody's R1, for mx.e.test, until ")
    assert "; there is no next key (" in link.evidence
    day = datetime.now(UTC)
    for days, holds, words in (
        (29, True, "; there is no next key ("),
        (31, True, "; nothing on this host renews it: on the control machine: pyinfra inventory.py renew.py"),
        (37, True, "; nothing on this host renews it: "),
        (38, False, "(6 days)"),
    ):
        link = check_certificate(config, day + timedelta(days=days), host_renews=False)
        assert (link.holds, words in link.evidence) == (holds, True), link
        assert check_certificate(config, day + timedelta(days=days), host_renews=True).fix == ""
    assert link.fix.startswith("on the control machine: pyinfra inventory.py renew.py")
    (tmp_path / "next").mkdir()
    for name in ("key.pem", "request.pem"):
        (tmp_path / "next" / name).touch()
    assert check_certificate(config).evidence.endswith("; the next key is there")
