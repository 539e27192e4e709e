"""`letterbox heartbeat-look` in front of a real receiver: the test message is a file, and goes again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.mailbox import is_folder_name
from receiver.one_time import HEARTBEAT_MAILBOX
from tests.receiver.heartbeat.looking import CONTENT, Looking, look, make_box, send
from tests.receiver.processes import ROOT, wait_until
from tests.receiver.proof.running import listed, reply_to
from tests.receiver.server import Server, start_server
from tests.receiver.spam_filter.stand_in import answer, result
from tests.receiver.spam_filter.test_receiving import recorded
from tests.receiver.wire import Client

Serve = Callable[..., Server]
HAM = result(answer("no action", "1"))


@pytest.fixture
def config(server: Server) -> Path:
    make_box(server.mail)
    return server.folder / "letterbox.toml"


def reply_from(server: Server, source: str, *recipients: str) -> list[str]:
    """What the receiver says to each recipient if the peer has this address of the loopback network."""
    with Client(server.port, source) as client:
        client.expect(220)
        client.ask("EHLO client.test", 250)
        client.ask("MAIL FROM:<zoe@sender.test>", 250)
        replies = []
        for recipient in recipients:
            client.say(f"RCPT TO:<{recipient}>")
            replies.append(client.reply())
        return replies


def test_a_message_is_found_as_a_file_by_its_content_and_removed(server: Server, config: Path) -> None:
    with look(config) as looking:
        send(server, looking.address)
        assert looking.take("another content\r\n")["well"] is False
        (stored,) = server.messages(f"{HEARTBEAT_MAILBOX}@example.test")
        assert stored.endswith(CONTENT.encode())
        found = looking.take(CONTENT)
        assert found["well"] is True, found
        assert f"a file of {len(stored)} octets" in found["words"]
        assert server.messages(f"{HEARTBEAT_MAILBOX}@example.test") == []
        assert looking.take(CONTENT)["well"] is False


def test_the_address_is_for_the_host_itself_alone(server: Server, config: Path) -> None:
    with look(config) as looking:
        assert reply_from(server, "127.0.0.2", looking.address)[0].startswith("550 5.1.1")
        assert reply_from(server, "127.0.0.1", looking.address)[0].startswith("250")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_address_ends_with_the_look_however_it_ends(server: Server, config: Path, number: int) -> None:
    with look(config) as looking:
        assert reply_to(server, looking.address).startswith("250")
        looking.process.send_signal(number)
        looking.process.wait(30)
        assert reply_to(server, looking.address).startswith("550 5.1.1")


def test_what_a_killed_run_leaves_is_removed_by_the_next_one(server: Server, config: Path) -> None:
    with look(config) as looking:
        send(server, looking.address)
        looking.process.kill()
    assert len(server.messages(f"{HEARTBEAT_MAILBOX}@example.test")) == 1
    with look(config):
        assert server.messages(f"{HEARTBEAT_MAILBOX}@example.test") == []


def test_a_run_that_does_not_ask_for_its_message_leaves_none(server: Server, config: Path) -> None:
    with look(config) as looking:
        send(server, looking.address)
        assert looking.process.stdin is not None
        looking.process.stdin.close()
        assert looking.process.wait(30) == 0
        assert server.messages(f"{HEARTBEAT_MAILBOX}@example.test") == []


def test_the_address_takes_nobody_else_past_the_checks(server: Server, config: Path) -> None:
    with look(config) as looking:
        alone = "452 4.5.3 A test message has one recipient"
        before = reply_from(server, "127.0.0.1", "alice@example.test", looking.address, "bob@example.test")
        after = reply_from(server, "127.0.0.1", looking.address, "alice@example.test", looking.address)
    assert [reply[: len(alone)] for reply in before] == [
        before[0][: len(alone)],
        alone,
        before[2][: len(alone)],
    ]
    assert before[0].startswith("250") and before[2].startswith("250")
    assert after[0].startswith("250") and all(reply.startswith(alone) for reply in after[1:])


def test_no_filter_and_no_dns(serve: Serve, tmp_path: Path) -> None:
    questions = tmp_path / "questions"
    asked = subprocess.Popen(
        [sys.executable, "-c", _COUNTING, str(tmp_path / "resolver"), str(questions)], cwd=ROOT
    )
    try:
        wait_until(lambda: (tmp_path / "resolver").is_socket(), "the resolver listens")
        with recorded(tmp_path / "rspamd", lambda connection: connection.sendall(HAM)) as requests:
            running = serve(spam_filter=tmp_path / "rspamd", resolver=tmp_path / "resolver", deadline=1)
            make_box(running.mail)
            with look(running.folder / "letterbox.toml") as looking:
                send(running, looking.address)
                assert looking.take(CONTENT)["well"] is True
            assert (requests, questions.exists()) == ([], False)
            send(running, "alice@example.test")
            # Both note what they got in processes and threads of their own.
            wait_until(lambda: (len(requests), questions.exists()) == (1, True), lambda: requests)
    finally:
        asked.kill()
        asked.wait()


# A socket that writes a line for each connection, and answers nothing.
_COUNTING = """
import socket, sys
server = socket.socket(socket.AF_UNIX); server.bind(sys.argv[1]); server.listen()
while True:
    connection, _ = server.accept()
    open(sys.argv[2], "a").write("asked\\n"); connection.close()
"""


def test_no_person_sees_the_messages_and_no_recipient_has_the_name(server: Server, config: Path) -> None:
    with look(config) as looking:
        send(server, looking.address)
        assert b"heartbeat" not in listed(config)
    assert not is_folder_name(HEARTBEAT_MAILBOX), "hooks, quotas and readers go by the names of mailboxes"


def test_it_says_what_the_disk_has_in_figures(server: Server, config: Path) -> None:
    with look(config) as looking:
        disk = looking.findings["disk"]
        assert (disk["well"], disk["words"].endswith(" free")) == (True, True)
        assert looking.first["starttls"] is True
        assert "hooks" not in looking.findings, "there are none"


def test_a_full_disk_is_not_well(tmp_path: Path, small_disk: Path) -> None:
    running = start_server(tmp_path, mail=small_disk / "mail")
    try:
        make_box(small_disk / "mail")
        with look(tmp_path / "letterbox.toml") as looking:
            assert looking.findings["disk"]["well"] is False
            assert "left, and needs" in looking.findings["disk"]["words"]
    finally:
        running.stop()


def first_of(config: Path) -> Looking:
    with look(config) as looking:
        return looking


def test_without_the_folder_there_is_no_address(tmp_path: Path) -> None:
    running = start_server(tmp_path)
    try:
        found = first_of(tmp_path / "letterbox.toml")
        assert found.first.get("address") is None
        assert "deploy" in found.findings["configuration"]["words"]
    finally:
        running.stop()


def test_a_broken_configuration_is_said_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "letterbox.toml").write_text("hostname = 1\n")
    found = first_of(tmp_path / "letterbox.toml").findings["configuration"]
    assert found["well"] is False
    assert "hostname: must be a string" in found["words"]


def test_it_gives_root_up_before_it_reads_a_message(folder: Path) -> None:
    """In its unit it never was root. By hand it becomes the owner of the mail."""
    folder.chmod(0o755)
    running = start_server(folder)
    try:
        for path in (running.mail, make_box(running.mail), *running.mail.rglob("*")):
            os.chown(path, 65534, 65534)
        (folder / "hb").mkdir()
        os.chown(folder / "hb", 65534, 65534)
        with look(folder / "letterbox.toml") as looking:
            status = Path(f"/proc/{looking.process.pid}/status").read_text()
            assert "Uid:\t65534\t65534\t65534\t65534" in status
            assert "CapBnd:\t0000000000000000" in status
    finally:
        running.stop()
