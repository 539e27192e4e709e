"""`letterbox check` says what a configuration lacks on this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.__main__ import main
from receiver.config.values import Config, StoreConfig
from receiver.recipients import Domain
from receiver.serving.check import store_problems
from tests.receiver.processes import ROOT
from tests.receiver.server import DOMAINS, Server


def check(folder: Path, mail: Path, capsys: pytest.CaptureFixture[str], tls: str = "") -> tuple[int, str]:
    config = folder / "letterbox.toml"
    config.write_text(f'hostname = "mx.example.test"\nmail = "{mail}"\n{tls}{DOMAINS}')
    code = main(["check", "--config", str(config)])
    said = capsys.readouterr()
    return code, (said.out + said.err).replace(f"{config}: ", "")


def test_a_mail_folder_that_can_be_made_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(tmp_path, tmp_path / "not" / "there", capsys) == (0, "good: 2 domain(s), TLS off\n")
    assert not (tmp_path / "not").exists()


def test_a_file_in_place_of_the_mail_folder_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for mail, why in (
        ("file", "is not a folder"),
        ("file/mail", f"cannot be made, because {tmp_path}/file is not"),
    ):
        code, said = check(tmp_path, tmp_path / mail, capsys)
        assert (code, said.startswith(f"mail: {tmp_path / mail}: {why}")) == (78, True)


def test_a_read_only_mail_folder_is_named(small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    code, said = check(small_disk.parent, small_disk / "mail", capsys)
    assert code == 78
    assert said.startswith(
        f"mail: {small_disk}/mail: cannot be made, because {small_disk} is on a read-only file"
    )


def test_a_mail_folder_of_somebody_else_is_named(tmp_path: Path, is_root: bool) -> None:
    if not is_root:
        pytest.skip("becoming another user needs root")
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    become = (
        "import os; from pathlib import Path; from receiver.serving.check import mail_problems; "
        "os.setuid(65534); "
        f"print(mail_problems(Path('{theirs}')))"
    )
    done = subprocess.run([sys.executable, "-c", become], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == f"['mail: {theirs}: is not writable for user 65534']\n", done.stderr


def test_a_missing_certificate_or_key_is_named(
    tmp_path: Path, certificate: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for key, files in (
        ("certificate", ("absent.pem", certificate[1])),
        ("key", (certificate[0], "absent.pem")),
    ):
        tls = f'[tls]\ncertificate = "{files[0]}"\nkey = "{files[1]}"\n'
        code, said = check(tmp_path, tmp_path, capsys, tls)
        assert (code, said) == (78, f"tls.{key}: absent.pem: No such file or directory\n")


def test_a_server_that_cannot_store_says_so_at_once(serve: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    serve(mail=tmp_path / "file").wait_for_log('event=warning problem="mail: .*is not a folder"')


HOOK = '[hooks.orders]\nmailboxes = ["alice@example.test"]\n'


def test_a_queue_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mail = tmp_path / "mail"
    assert check(tmp_path, mail, capsys, HOOK) == (0, "good: 2 domain(s), TLS off\n")
    assert not mail.exists()
    (mail / ".hooks").mkdir(parents=True)
    (mail / ".hooks" / "orders").touch()
    code, said = check(tmp_path, mail, capsys, HOOK)
    queue = mail / ".hooks" / "orders"
    assert (code, said) == (
        78,
        f"hooks.orders: {queue}/pending: cannot be made, because {queue} is not a folder\n",
    )
    queue.unlink()
    queue.mkdir()
    (queue / "pending").symlink_to(tmp_path)
    said = check(tmp_path, mail, capsys, HOOK)[1]
    assert said == f"hooks.orders: {queue}/pending: is not a folder\n"


@pytest.mark.parametrize("place", [".hooks", ".hooks/orders", "example.test", "example.test/alice"])
def test_a_mount_between_mailbox_and_queue_is_named_and_mail_is_4xx_until_it_has_gone(
    serve: Callable[..., Server], small_disk: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    mail = small_disk / "with blank" / "mail"
    mounted = mail / place
    mounted.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "letterbox-test", str(mounted)]
    subprocess.run(mount, check=True)
    try:
        code, said = check(small_disk.parent, mail, capsys, HOOK)
        assert code == 78
        assert said.startswith(
            f"hooks.orders: {mail}/example.test/alice is on another mount than {mail}/.hooks/"
        )
        server = serve(mail=mail, hooks=HOOK)
        server.wait_for_log("event=warning .*is on another mount")
        with server.client() as client:
            client.begin("bob@example.test")
            client.send(b"Subject: x\r\n\r\n.\r\n")
            client.expect("250")
            client.begin("alice@example.test")
            client.send(b"Subject: x\r\n\r\n.\r\n")
            client.expect("451 4.2.0")
        server.wait_for_log("event=error .*Invalid cross-device link")
        server.stop()
    finally:
        subprocess.run(["umount", "-l", str(mounted)], check=True)
    assert check(small_disk.parent, mail, capsys, HOOK) == (0, "good: 2 domain(s), TLS off\n")


def test_the_socket_of_the_bucket_is_looked_for_where_a_250_waits_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bucket.sock"
    table = f'[store]\nsocket = "{path}"\npromise = "{{}}"\n'
    good = (0, "good: 2 domain(s), TLS off\n")
    assert check(tmp_path, tmp_path / "mail", capsys, table.format("disk")) == good
    missing = f"store.socket: {path}: No such file or directory: letterbox-bucket.socket makes it"
    code, said = check(tmp_path, tmp_path / "mail", capsys, table.format("bucket"))
    assert (code, said.startswith(missing)) == (78, True)
    path.touch()
    code, said = check(tmp_path, tmp_path / "mail", capsys, table.format("bucket"))
    assert (code, said.startswith(f"store.socket: {path}: is no socket")) == (78, True)
    path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(path))
        assert check(tmp_path, tmp_path / "mail", capsys, table.format("bucket")) == good


def test_a_socket_that_this_user_may_not_connect_to_is_named(tmp_path: Path, root: None) -> None:
    path = tmp_path / "bucket.sock"
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    code = (
        "import os; from pathlib import Path; from receiver.config.values import Config, StoreConfig; "
        "from receiver.serving.check import store_problems; os.setuid(65534); "
        f"store = StoreConfig(Path('{path}'), 'bucket'); "
        "print(store_problems(Config('mx.test', Path('/m'), (), store=store)))"
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(path))
        path.chmod(0o600)
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "user 65534 may not connect to it" in done.stdout, done


def test_a_queue_of_the_bucket_that_no_link_can_lead_to_is_named(tmp_path: Path) -> None:
    domain = Domain("a.test", frozenset({"alice"}), {})
    config = Config("mx.test", tmp_path, (domain,), store=StoreConfig(Path("/nowhere")))
    assert store_problems(config) == []
    line = f"36 35 98:0 / {tmp_path}/a.test rw - ext4 /dev/x rw\n"
    (found,) = store_problems(config, lambda: line)
    assert found.startswith(
        f"store: {tmp_path}/a.test/alice is on another mount than {tmp_path}/.bucket/pend"
    )
    (tmp_path / ".bucket").touch()
    (found,) = store_problems(config)
    assert "is not a folder" in found
