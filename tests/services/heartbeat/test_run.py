"""One run of the heartbeat: what the switch gets if all is well, and what if something is not."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from receiver.one_time import HEARTBEAT_MAILBOX
from tests.receiver.processes import ROOT, environment, wait_until
from tests.services.heartbeat.conftest import Place, answering_looks
from tests.services.heartbeat.switch_server import CHECK

BOX = f"{HEARTBEAT_MAILBOX}@example.test"


def left_behind(place: Place) -> list[bytes]:
    return place.server.messages(BOX)


def test_a_ping_says_in_figures_what_was_tested(place: Place) -> None:
    done = place.run()
    assert done.returncode == 0, done.stderr
    (got,) = place.switch.got
    assert (got.method, got.path) == ("POST", CHECK)
    lines = got.body.splitlines()
    assert all(line.startswith("ok ") for line in lines), lines
    assert [line.split()[1] for line in lines] == ["disk:", "hooks:", "port", "certificate:"]
    assert " ms, TLSv1.3, was a file of " in lines[2] and lines[2].endswith("and was removed")
    assert left_behind(place) == []
    state = place.state
    assert (state["well"], state["ping_error"]) == (True, "")
    assert state["pinged"] == state["pinged_well"] == state["at"]


def test_the_address_is_in_no_output_and_no_argument(place: Place) -> None:
    for answer in ("ok", "500", "redirect"):
        place.switch.answer = answer
        done = place.run()
        assert CHECK[-12:] not in done.stdout + done.stderr + (place.folder / "state.json").read_text()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("500", "it answers HTTP 500"),
        ("redirect", "it answers HTTP 302, a redirect, which is not followed: correct the address"),
        ("unknown", "it does not count the ping: OK (not found)"),
        ("slow", "no answer within 5 s"),
    ],
)
def test_a_switch_that_takes_no_ping_is_told_of_and_holds_nothing_up(
    place: Place, answer: str, error: str
) -> None:
    place.switch.answer = answer
    # What is slow would be a success after 20 s.
    done = place.run("--seconds", "5" if answer == "slow" else "60")
    assert (done.returncode, place.state["ping_error"]) == (1, error)
    assert place.state["pinged"] == 0
    assert len(place.switch.got) == 2, "it is tried again"
    assert {got.path for got in place.switch.got} == {CHECK}, "a redirect is not followed"


def test_a_switch_that_is_down_is_told_of(place: Place, free_port: int) -> None:
    done = place.run(url=f"https://127.0.0.1:{free_port}{CHECK}")
    assert done.returncode == 1
    assert "it cannot be reached: [Errno 111] Connection refused" in place.state["ping_error"]


def test_a_server_that_nobody_vouches_for_gets_no_ping(place: Place) -> None:
    done = place.run(SSL_CERT_FILE="/dev/null")
    assert (done.returncode, place.switch.got) == (1, [])
    assert "CERTIFICATE_VERIFY_FAILED" in place.state["ping_error"]


def test_a_proxy_of_the_environment_is_not_used(place: Place, free_port: int) -> None:
    assert place.run(https_proxy=f"http://127.0.0.1:{free_port}").returncode == 0


@pytest.mark.parametrize("url", ["http://switch.example/ping", "ftp://127.0.0.1/", "", "a b c"])
def test_only_https_is_spoken_to_a_switch(place: Place, url: str) -> None:
    done = place.run(url=url)
    assert (done.returncode, "deploy again" in done.stderr) == (1, True)


def test_a_receiver_that_is_not_there_fails_the_switch(place: Place, free_port: int) -> None:
    done = place.run("--port", str(free_port))
    assert done.returncode == 1
    assert place.switch.last.path == f"{CHECK}/fail"
    first = place.switch.last.body.splitlines()[0]
    assert first.startswith(
        f"NOT WELL port {free_port} of 127.0.0.1: a test message is not taken: [Errno 111]"
    )
    assert "ok disk: " in place.switch.last.body


def test_a_receiver_that_says_nothing_does_not_hang_the_run(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        done = place.run("--port", str(silent.getsockname()[1]))
    assert time.monotonic() - began < 60
    assert done.returncode == 1
    assert "timed out" in place.switch.last.body


def test_a_deferred_message_fails_the_switch_with_the_reply(place: Place) -> None:
    box = place.server.mail / "example.test" / HEARTBEAT_MAILBOX
    (box / "tmp").rename(box / "kept")
    (box / "tmp").write_text("no folder")
    try:
        done = place.run()
    finally:
        (box / "tmp").unlink()
        (box / "kept").rename(box / "tmp")
    assert done.returncode == 1
    assert place.switch.last.path == f"{CHECK}/fail"
    assert "a test message is not taken: 451 4.2.1 Mailbox not available" in place.switch.last.body


def test_a_hook_that_is_behind_fails_the_switch(place: Place) -> None:
    pending = place.server.mail / ".hooks" / "orders" / "pending"
    pending.mkdir(parents=True, exist_ok=True)
    old = pending / "1700000000.M1P1Q1R1.mx.example.test.0123abcd"
    old.touch()
    try:
        done = place.run()
    finally:
        old.unlink()
    assert done.returncode == 1
    assert place.switch.last.body.startswith("NOT WELL hooks: orders: 1 wait, the oldest for ")
    assert "ok port " in place.switch.last.body


def test_a_receiver_that_lies_about_storing_is_caught(place: Place) -> None:
    """It answers 250 to all, and stores nothing. The configuration has no TLS, so STARTTLS is not missed."""
    text = (place.folder / "letterbox.toml").read_text()
    plain = place.folder / "plain.toml"
    plain.write_text(text[: text.index("[tls]")] + text[text.index("[limits]") :])
    look = place.folder / "plain"
    with socket.create_server(("127.0.0.1", 0)) as listening, answering_looks(look, plain):
        threading.Thread(target=lying, args=(listening,), daemon=True).start()
        done = place.run("--port", str(listening.getsockname()[1]), "--look", str(look))
    assert done.returncode == 1
    assert "in clear text, was answered 250, and is no file in" in place.switch.last.body


def lying(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    in_data = False
    with connection, connection.makefile("rwb") as stream:
        stream.write(b"220 mx\r\n")
        stream.flush()
        for line in stream:
            if not in_data or line == b".\r\n":
                in_data = line.upper().startswith(b"DATA")
                code = b"354" if in_data else b"221" if line.upper().startswith(b"QUIT") else b"250"
                stream.write(code + b" yes\r\n")
                stream.flush()


def test_a_receiver_that_offers_no_starttls_is_told(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=lying, args=(listening,), daemon=True).start()
        done = place.run("--port", str(listening.getsockname()[1]))
    assert done.returncode == 1
    assert "STARTTLS is not offered" in place.switch.last.body


def test_a_look_that_is_not_there_is_unknown_and_not_well(place: Place, tmp_path: Path) -> None:
    done = place.run("--look", str(tmp_path / "none"))
    assert done.returncode == 1
    assert place.switch.last.path == f"{CHECK}/fail"
    assert place.switch.last.body.startswith("UNKNOWN heartbeat-look: ")


def test_a_switch_without_a_failure_address_is_told_by_silence(place: Place, free_port: int) -> None:
    plain = f"{place.switch.url}/beat/5ec2e7"
    assert place.run(url=plain).returncode == 0
    assert place.switch.last.path == "/beat/5ec2e7"
    place.switch.got.clear()
    assert place.run("--port", str(free_port), url=plain).returncode == 1
    assert place.switch.got == []
    assert (place.state["well"], place.state["ping_error"]) == (False, "")
    assert place.run("--port", str(free_port), url=f"{plain}\n{plain}/broken").returncode == 1
    assert [got.path for got in place.switch.got] == ["/beat/5ec2e7/broken"]


def test_a_unit_that_failed_is_told_at_once(place: Place) -> None:
    done = place.run("--failed", "letterbox", MONITOR_SERVICE_RESULT="exit-code", MONITOR_EXIT_STATUS="1")
    assert done.returncode == 1
    assert place.switch.last.path == f"{CHECK}/fail"
    assert place.switch.last.body == "NOT WELL letterbox.service: it has failed (exit-code, 1)\n"


def test_a_killed_run_leaves_nothing(place: Place) -> None:
    (place.folder / "address").write_text(place.switch.url + CHECK)
    place.switch.answer = "slow"
    for number in (signal.SIGKILL, signal.SIGTERM):
        before = place.server.log.count("to=<heartbeat-")
        with subprocess.Popen(
            place.arguments(),
            cwd=ROOT,
            env=environment() | {"SSL_CERT_FILE": str(place.folder / "switch.pem")},
            stderr=subprocess.DEVNULL,
        ) as run:
            wait_until(
                lambda before=before: place.server.log.count("to=<heartbeat-") > before,  # type: ignore[misc]
                "a message is sent",
            )
            assert run.poll() is None
            run.send_signal(number)
        wait_until(lambda: not list((place.folder / "hb").iterdir()), "the look ends its address")
        wait_until(lambda: left_behind(place) == [], "and removes what it finds")
