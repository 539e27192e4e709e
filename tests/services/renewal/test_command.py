"""The command line, and the program as a host has it: with its own locked libraries and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from services.renewal import command
from tests.house.rooms import ROOT

PLACES = ("--request", "r.pem", "--state", "s", "--ca", "letsencrypt")


def test_help_names_every_option_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    for words in (
        "--request FILE",
        "--warn",
        "exit codes: 0 ",
        "; 1 ",
        "2 wrong arguments",
        "terms of the CA",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "the following arguments are required: --state, --ca"),
        (PLACES, "--zone and --zone-id (32 hexadecimal digits) are needed, or --warn"),
        ((*PLACES, "--zone", "example.test", "--zone-id", "x"), "--zone-id (32 hexadecimal digits)"),
        ((*PLACES, "--warn", "--smtp", "localhost"), "--smtp localhost: write ADDRESS:PORT"),
        ((*PLACES, "--tok", "secret"), "unrecognized arguments"),
    ],
)
def test_wrong_arguments_are_refused(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(list(arguments))
    assert ended.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_the_names_of_letsencrypt_are_its_directories() -> None:
    """https://letsencrypt.org/docs/staging-environment/"""
    assert command.DIRECTORIES == {
        "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
        "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
    }


def test_the_token_comes_from_the_credential_of_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zone = ("--zone", "example.test", "--zone-id", "0" * 32)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert command.main([*PLACES, *zone]) == 1
    assert "no token: name its file with --token" in capsys.readouterr().err
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "cloudflare-token").write_text("a-good-token-0123456789\n")
    assert command.main([*PLACES, *zone]) == 1
    assert "the request r.pem cannot be read" in capsys.readouterr().err, "it went on to the request"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the lock names and this program, and nothing else."""
    folder = tmp_path_factory.mktemp("release")
    uv = Path(sysconfig.get_path("scripts"), "uv")
    target = ("--quiet", "--target", str(folder), "--only-binary", ":all:", "--python", sys.executable)
    locked = ("--require-hashes", "-r", str(ROOT / "requirements-renewal.lock"))
    subprocess.run([str(uv), "pip", "install", *target, *locked], check=True)
    (folder / "services").symlink_to(ROOT / "services")
    return folder


def isolated(folder: Path, *code: str) -> subprocess.CompletedProcess[str]:
    """Run Python without this environment's packages, with this folder alone."""
    start = f"import sys; sys.path.insert(0, {str(folder)!r}); "
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", start + "; ".join(code)], capture_output=True, text=True, cwd="/"
    )


def test_the_lock_has_all_that_the_program_needs_and_nothing_of_the_receiver(release: Path) -> None:
    run = isolated(
        release, "from services.renewal.__main__ import start", "sys.argv[1:] = ['--help']", "start()"
    )
    assert run.returncode == 0, run.stderr
    assert "usage: letterbox-certificate" in run.stdout
    for other in ("receiver", "dns.records", "aiosmtpd"):
        assert "ModuleNotFoundError" in isolated(release, f"import {other}").stderr
    size = sum(path.stat().st_size for path in release.rglob("*") if path.is_file())
    assert size < 30e6, "octets"


def test_the_receiver_cannot_import_it() -> None:
    """The receiver's release is made of its own lock and folder. Both have a cryptography, each its own."""
    receiver = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements-host.lock").read_text(), re.MULTILINE))
    ours = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements-renewal.lock").read_text(), re.MULTILINE))
    assert {"acme", "requests", "dnspython", "cryptography"} <= ours
    assert not receiver & {"acme", "josepy", "requests", "dnspython"}


def test_a_library_that_cannot_be_imported_is_said_in_one_line(tmp_path: Path) -> None:
    """As after an upgrade of the system to another Python, for which the release was not built."""
    (tmp_path / "services").symlink_to(ROOT / "services")
    run = isolated(tmp_path, "from services.renewal.__main__ import start", "sys.exit(start())")
    assert run.returncode == 1
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    (line,) = run.stderr.splitlines()
    assert re.fullmatch(
        rf"letterbox-certificate: \w+ cannot be imported by Python {version}: deploy again, .*", line
    )
