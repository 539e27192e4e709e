"""A release is keyed by what decides its content, and the same key means the same bytes."""

from __future__ import annotations

import email
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from provision.desired import archive
from provision.desired.archive import BuildError, Platform
from receiver import __version__

HERE = Platform(f"{sys.version_info.major}.{sys.version_info.minor}", "x86_64")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A copy of what a release is made of, with a cache of its own."""
    for name in ("pyproject.toml", "LICENSE", "requirements-host.lock"):
        shutil.copy(archive.PROJECT / name, tmp_path)
    shutil.copytree(
        archive.PROJECT / "receiver", tmp_path / "receiver", ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr(archive, "PROJECT", tmp_path)
    # uv keeps its own cache. What is built is the same, with fewer requests to the network.
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    monkeypatch.setenv("UV_CACHE_DIR", os.environ.get("UV_CACHE_DIR") or str(caches / "uv"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("other", [Platform("3.15", "x86_64"), Platform("3.14", "aarch64")])
def test_another_python_or_machine_is_another_release(other) -> None:
    assert archive.digest(other) != archive.digest(Platform("3.14", "x86_64"))


@pytest.mark.parametrize("path", ["receiver/__init__.py", "requirements-host.lock", "LICENSE"])
def test_a_changed_source_or_lock_is_another_release(checkout, path) -> None:
    before = archive.digest(HERE)
    with (checkout / path).open("a") as file:
        file.write("# changed\n")
    assert archive.digest(HERE) != before


def test_two_builds_are_the_same_octets_say_whose_they_are_and_start(checkout, tmp_path) -> None:
    first = archive.archive(HERE)
    shutil.rmtree(tmp_path / "cache")
    assert archive.archive(HERE) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        tar.extractall(tmp_path / "release", filter="data")
    metadata = tmp_path / "release" / "lib" / f"letterbox-{__version__}.dist-info" / "METADATA"
    fields = email.message_from_string(metadata.read_text())
    assert (fields["License-Expression"], fields["Author"]) == ("MIT", "The authors of Letterbox")
    assert (metadata.parent / "licenses" / "LICENSE").read_bytes() == (checkout / "LICENSE").read_bytes()
    launcher = tmp_path / "release" / "bin" / "letterbox"
    done = subprocess.run(
        [sys.executable, "-I", launcher, "--version"], capture_output=True, text=True, check=True
    )
    assert __version__ in done.stdout


def test_the_release_of_the_hooks_has_all_that_it_imports_and_nothing_of_the_receiver_beside(
    tmp_path, monkeypatch
) -> None:
    """It makes JSON of a message with HTML, whose parser is imported late."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    monkeypatch.setenv("UV_CACHE_DIR", os.environ.get("UV_CACHE_DIR") or str(caches / "uv"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    release = tmp_path / "release"
    with tarfile.open(fileobj=io.BytesIO(archive.archive(HERE, archive.HOOKS))) as tar:
        tar.extractall(release, filter="data")
    message = tmp_path / "1790000000.M1.mx1.00000000"
    message.write_bytes(
        b"Content-Type: text/html; charset=koi8-r\r\n\r\n<p>\xc1<a href='http://a.test'>b</a>\r\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            release / "bin" / "letterbox-hook",
            "--config",
            "-",
            "--queue",
            "-",
            "--read-messages",
        ],
        input=json.dumps([message.name, str(message), "alice@example.com", 0]).encode() + b"\n",
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    data = json.loads(done.stdout[8:])["data"]
    assert (data["text"].strip()[:1], data["notes"]) == ("\N{CYRILLIC SMALL LETTER A}", [])
    assert data["links"] == ["http://a.test"]
    assert data["mailbox"] == "alice@example.com"
    assert not (release / "lib" / "receiver" / "smtp").exists()
    assert not (release / "lib" / "aiosmtpd").exists()


def test_a_change_of_what_the_hooks_import_is_another_release(tmp_path, monkeypatch) -> None:
    before = archive.digest(HERE, archive.HOOKS)
    for name in ("pyproject.toml", "LICENSE", archive.HOOKS.lock):
        shutil.copy(archive.PROJECT / name, tmp_path)
    for name in ("receiver", "services"):
        shutil.copytree(archive.PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(archive, "PROJECT", tmp_path)
    assert archive.digest(HERE, archive.HOOKS) == before
    with (tmp_path / "receiver" / "smtp" / "replies.py").open("a") as file:
        file.write("# changed\n")
    assert archive.digest(HERE, archive.HOOKS) == before
    with (tmp_path / "receiver" / "content" / "mime.py").open("a") as file:
        file.write("# changed\n")
    assert archive.digest(HERE, archive.HOOKS) != before


@pytest.mark.parametrize(
    ("platform", "reason"),
    [
        (Platform("3.9", "x86_64"), "needs 3.11 or later"),
        (Platform("3.14", "riscv64"), "architecture riscv64"),
    ],
)
def test_a_platform_without_a_release_is_refused_in_one_line(platform, reason) -> None:
    with pytest.raises(BuildError, match=reason) as raised:
        archive.archive(platform)
    assert "\n" not in str(raised.value)


def test_a_build_that_fails_says_what_and_why_in_one_line_and_leaves_nothing(checkout) -> None:
    (checkout / "requirements-host.lock").write_text("aiosmtpd==0.0.1 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(BuildError, match="dependencies of the receiver: ") as raised:
        archive.archive(HERE)
    assert "\n" not in str(raised.value)
    assert list((checkout / "cache").rglob("*.tar.gz")) == []


@pytest.mark.parametrize(
    "program",
    [archive.BUCKET, archive.HOOKS, archive.RENEWAL, archive.RESOLVER],
    ids=lambda each: each.command,
)
def test_a_program_starts_with_the_sources_of_its_release_and_no_others(program, tmp_path) -> None:
    for source in archive.sources(program):
        copied = tmp_path / source.relative_to(archive.PROJECT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copied)
    module = program.folder.replace("/", ".")
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {module}.command"
    done = subprocess.run(
        [sys.executable, "-I", "-c", start], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
