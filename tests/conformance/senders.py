"""Real senders deliver to our receiver. `python -m tests.conformance.senders` prints the results.

swaks, msmtp and nmap come from Debian, unpacked and not installed (see `peers`). curl and smtplib are those
of this machine. Postfix, Exim and OpenSMTPD relay the message. Each sender delivers in clear text and over
TLS. In the mailbox of each recipient, the SHA-256 of the body must be that of the message sent.
"""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.peers import running_peer, unpacked
from tests.receiver.certificates import make_certificate
from tests.receiver.server import Server, start_server

MANY = tuple(f"box{number}" for number in range(50))
PACKAGES = "swaks,libnet-ssleay-perl,libio-socket-ssl-perl,msmtp,nmap,perl"
RELAYS = ("Postfix", "Exim", "OpenSMTPD")
# The library path is what the packages' own scripts would have set up, had they been run: nmap's libblas.
_IN_ROOT = """
root=$1
shift
mount --rbind /dev "$root/dev"
mount -t tmpfs tmp "$root/tmp"
LD_LIBRARY_PATH=/$(cd "$root" && echo usr/lib/*/blas)
export LD_LIBRARY_PATH
exec chroot "$root" "$@"
"""


@dataclass(frozen=True, slots=True)
class Message:
    """A message. All lines of `body` end in LF, and senders replace it by CRLF."""

    name: str
    body: bytes
    sender: str = "stranger@sender.test"
    recipients: tuple[str, ...] = ("alice",)
    times: int = 1

    def content(self, number: int) -> bytes:
        header = f"From: <{self.sender}>\nTo: undisclosed-recipients:;\nSubject: {self.name}\n"
        kind = "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
        return (header + kind).encode() + b"\n" + self.numbered(number)

    def numbered(self, number: int) -> bytes:
        return self.body + (f"number {number}\n".encode() if self.times > 1 else b"")

    @property
    def addresses(self) -> list[str]:
        return [f"{name}@example.test" for name in self.recipients]


MESSAGES = (
    Message("1 byte", b"x\n"),
    Message("dots", b".\n..\n.x\n\nMAIL FROM:<a@b>\n.\nend\n"),
    Message("8 bit", "Grüße, 你好, \u00a0\n".encode() * 100),
    Message("UTF-8 sender", b"body\n", sender="müller@sender.test"),
    Message("50 recipients", b"to many\n", recipients=MANY),
    Message("25 MB", (b"0123456789" * 7 + b"abcde\n") * 340_000),
    Message("40 messages", b"one of many\n", times=40),
)
WITHOUT_UTF8 = ("swaks", "msmtp", "OpenSMTPD")  # Debian 12's versions do not know SMTPUTF8
Send = Callable[[int, Message, bytes, bool], None]


def swaks(port: int, message: Message, content: bytes, tls: bool) -> None:
    _root_run(
        ["swaks", "--server", "127.0.0.1", "--port", str(port), "--from", message.sender, "--to",
         ",".join(message.addresses), "--data", "-", "--helo", "swaks.test", *(["-tls"] if tls else [])],
        content,
    )  # fmt: skip


def msmtp(port: int, message: Message, content: bytes, tls: bool) -> None:
    security = ["--tls=on", "--tls-certcheck=off"] if tls else ["--tls=off"]
    _root_run(
        ["msmtp", "--host=127.0.0.1", f"--port={port}", f"--from={message.sender}", *security, "--",
         *message.addresses],
        content,
    )  # fmt: skip


def curl(port: int, message: Message, content: bytes, tls: bool) -> None:
    recipients = [word for address in message.addresses for word in ("--mail-rcpt", address)]
    command = [
        "curl",
        "-sS",
        f"smtp://127.0.0.1:{port}/curl.test",
        "--mail-from",
        message.sender,
        *recipients,
    ]
    security = ["--ssl-reqd", "--insecure"] if tls else []
    _run([*command, *security, "--upload-file", "-"], content.replace(b"\n", b"\r\n"))


def python(port: int, message: Message, content: bytes, tls: bool) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as session:
        if tls:
            session.starttls(context=ssl._create_unverified_context())
        session.ehlo()
        utf8 = ["SMTPUTF8"] if not message.sender.isascii() else []
        # smtplib sends bytes unchanged, so they need CRLF.
        wire = content.replace(b"\n", b"\r\n")
        session.sendmail(message.sender, message.addresses, wire, mail_options=[*utf8, "BODY=8BITMIME"])


def one_connection(port: int, message: Message, content: bytes, tls: bool) -> None:
    """Send all messages with smtplib over one connection."""
    if (port, tls) not in _sessions:
        _sessions[port, tls] = session = smtplib.SMTP("127.0.0.1", port, timeout=60)
        if tls:
            session.starttls(context=ssl._create_unverified_context())
        session.ehlo()
    options = ["SMTPUTF8"] if not message.sender.isascii() else []
    wire = content.replace(b"\n", b"\r\n")
    _sessions[port, tls].sendmail(message.sender, message.addresses, wire, mail_options=options)


_sessions: dict[tuple[int, bool], smtplib.SMTP] = {}
PROGRAMS: dict[str, Send] = {
    "swaks": swaks,
    "msmtp": msmtp,
    "curl": curl,
    "smtplib": python,
    "one conn.": one_connection,
}


def main() -> int:
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for tls in (False, True):
            for name in (*PROGRAMS, *RELAYS):
                place = Path(folder) / f"{name}{tls}"
                place.mkdir()
                with _receiver(place) as server:
                    marks = _marks(name, server, tls)
                good = good and all(not mark.startswith("FAILED") for mark in marks)
                print(f"{name:<10} {'TLS  ' if tls else 'plain'}  " + "; ".join(marks), flush=True)
        place = Path(folder) / "nmap"
        place.mkdir()
        with _receiver(place) as server:
            print(_nmap(server.port))
    return 0 if good else 1


def _marks(name: str, server: Server, tls: bool) -> list[str]:
    messages = [each for each in MESSAGES if each.sender.isascii() or name not in WITHOUT_UTF8]
    if name in PROGRAMS:
        return [_tried(PROGRAMS[name], server.port, server, message, tls) for message in messages]
    with running_peer(name, server.port, "yes" if tls else "no") as peer:

        def relay(port: int, message: Message, content: bytes, tls: bool) -> None:
            python(peer.port, message, content, False)

        return [_tried(relay, peer.port, server, message, tls) for message in messages]


def _tried(send: Send, port: int, server: Server, message: Message, tls: bool) -> str:
    started = time.monotonic()
    try:
        for number in range(message.times):
            send(port, message, message.content(number), tls)
        _wait_for(server, message, tls)
    except (OSError, ssl.SSLError, smtplib.SMTPException, RuntimeError) as error:
        return f"FAILED {message.name}: {str(error).splitlines()[-1][:150]}"
    return f"{message.name} {time.monotonic() - started:.2f} s"


def _wait_for(server: Server, message: Message, tls: bool) -> None:
    """Wait until each recipient has each body, for 30 seconds at most."""
    due = {_digest(message.numbered(number)) for number in range(message.times)}
    until = time.monotonic() + 30
    for recipient in message.recipients:
        while True:
            stored = server.messages(f"{recipient}@example.test")
            found = {_digest(each.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n")) for each in stored}
            if due <= found:
                break
            if time.monotonic() > until:
                raise RuntimeError(f"{len(due - found)} of {len(due)} not in the mailbox of {recipient}")
            time.sleep(0.1)
    if tls and not any(b"with cipher" in each for each in server.messages(f"{recipient}@example.test")):
        raise RuntimeError("arrived without TLS")


def _digest(body: bytes) -> str:
    return hashlib.sha256(body.rstrip(b"\n")).hexdigest()  # swaks adds an empty line


@contextlib.contextmanager
def _receiver(folder: Path) -> Iterator[Server]:
    names = ", ".join(f'"{name}"' for name in ("alice", *MANY))
    domains = f'[domains."example.test"]\nmailboxes = [{names}]\n'
    server = start_server(folder, certificate=make_certificate(folder, "mx.example.test"), domains=domains)
    try:
        yield server
    finally:
        server.stop()


def _nmap(port: int) -> str:
    scripts = "smtp-open-relay,smtp-commands,smtp-enum-users,smtp-strangeport,ssl-enum-ciphers"
    users = "--script-args=smtp-enum-users.methods={VRFY,EXPN,RCPT},smtp-open-relay.domain=elsewhere.test"
    command = ["nmap", "-Pn", "-n", "-sT", "-sV", "--version-intensity", "1", "-p", str(port)]
    return _root_run([*command, "--script", scripts, users, "127.0.0.1"], b"")


def _root_run(command: list[str], octets: bytes) -> str:
    root = unpacked("senders", PACKAGES)
    for name in ("dev", "tmp"):
        (root / name).mkdir(exist_ok=True)
    isolated = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", _IN_ROOT, "sh", str(root)]
    return _run([*isolated, *command], octets)


def _run(command: list[str], octets: bytes) -> str:
    done = subprocess.run(command, input=octets, capture_output=True, timeout=300)
    if done.returncode:
        said = (done.stdout[-2000:] + done.stderr[-2000:]).decode(errors="replace").strip()
        raise RuntimeError(f"exit code {done.returncode}: {said}")
    return done.stdout.decode(errors="replace")


if __name__ == "__main__":
    sys.exit(main())
