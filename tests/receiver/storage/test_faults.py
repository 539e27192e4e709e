"""A fault at each system call in turn: the sender gets 4xx, no partial file stays, the next message is taken.

With -s the numbers are printed; `make durability` shows them.
"""

from __future__ import annotations

import asyncio
import errno
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.checks.check import Checks
from receiver.config.load import any_mailbox
from tests.receiver.checks.zone import Zone
from tests.receiver.connections import new_site
from tests.receiver.processes import wait_until
from tests.receiver.server import Server
from tests.receiver.storage.faulty_disk import Disk
from tests.receiver.stores import new_store

ENVELOPE = b"EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\n"
SMALL = b"Subject: small\r\n\r\n.\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"0123456789abc\r\n" * 30_000 + b".\r\n"
FAULTS = {
    errno.ENOSPC: "452 4.3.1",
    errno.EFBIG: "452 4.3.1",
    errno.EDQUOT: "452 4.2.2",
    errno.EACCES: "451 4.2.1",
    errno.EPERM: "451 4.2.1",
    errno.ENOTDIR: "451 4.2.1",
    errno.EROFS: "451 4.2.0",
    errno.EIO: "451 4.2.0",
    errno.EMFILE: "451 4.2.0",
}


async def reply(reader: asyncio.StreamReader) -> str:
    lines = []
    while not lines or lines[-1][3:4] == "-":
        lines.append((await asyncio.wait_for(reader.readline(), 30)).decode().rstrip())
    return lines[-1]


async def send(
    mail: Path, disk: Disk, *contents: bytes, log: bool = False, checked: bool = False
) -> tuple[list[str], dict[str, bytes]]:
    """The replies to these messages in one session, and the files that existed after the first."""
    loop = asyncio.get_running_loop()
    store = new_store(mail, disk, threads=1, log=1 << 18 if log else 0)
    checks = Checks(Zone({}), "mx.test") if checked else None
    site = new_site(any_mailbox("mx.test", mail, ("example.test",)), store, checks=checks)
    server = await loop.create_server(site.new, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    replies: list[str] = []
    after_first: dict[str, bytes] = {}
    assert (await reply(reader)).startswith("220")
    for content in contents:
        writer.write(ENVELOPE + b"DATA\r\n")
        codes = [await reply(reader) for _ in range(5)]
        assert [code[:3] for code in codes] == ["250", "250", "250", "250", "354"]
        writer.write(content)
        replies.append(await reply(reader))
        disk.fail_at = -1  # nothing but the first message is to meet the fault
        after_first = after_first if len(replies) > 1 else files(mail)
    writer.close()
    server.close()
    await asyncio.gather(*site.connections.tasks)
    store.close()
    return replies, after_first


def files(mail: Path) -> dict[str, bytes]:
    return {str(path.relative_to(mail)): path.read_bytes() for path in mail.glob("*/*/*/*")}


@pytest.mark.parametrize(
    ("message", "numbers", "checked"),
    [
        (SMALL, [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO], False),
        (LARGE, [errno.EIO], False),
        (SMALL, [errno.EIO], True),
        (LARGE, [errno.EIO], True),
    ],
    ids=["small", "large", "small, checked", "large, checked"],
)
def test_a_fault_at_any_system_call_is_4xx_on_the_wire_and_the_next_message_is_taken(
    tmp_path: Path, message: bytes, numbers: list[int], checked: bool
) -> None:
    counting = Disk()
    replies, _ = asyncio.run(send(tmp_path / "counting", counting, message, checked=checked))
    assert replies[0].startswith("250 2.0.0 Stored")
    tried: Counter[str] = Counter()
    for at, (name, _) in enumerate(counting.calls):
        if name == "close":  # what was synced stays synced
            continue
        for number in numbers:
            mail = tmp_path / f"{at}.{number}"
            disk = Disk(at, number)
            (first, second), after_first = asyncio.run(send(mail, disk, message, SMALL, checked=checked))
            if disk.failed in ("", "close"):  # a large one came in other pieces than when they were counted
                continue
            what = f"{disk.failed} as call {at} failed with {number}"
            assert first.startswith(FAULTS[number]), f"{what}: {first}"
            assert after_first == {}, f"{what} and left {list(after_first)}"
            assert second.startswith("250 2.0.0 Stored")
            assert len(files(mail)) == 2
            tried[disk.failed] += 1
    assert tried.keys() >= {"open", "write", "fsync", "rename", "mkdir"}
    if message is LARGE and checked:
        assert "pwritev" in tried, "the slot is filled"
    what = ", ".join(f"{count} {name}" for name, count in sorted(tried.items()))
    kind = ("small" if message is SMALL else "large") + (" checked" if checked else "")
    print(f"\n(d) {tried.total()} faults under a {kind} message: each 4xx, nothing left, next taken ({what})")


def test_a_fault_at_any_system_call_with_a_log_is_4xx_or_costs_nothing(tmp_path: Path) -> None:
    counting = Disk()
    asyncio.run(send(tmp_path / "counting", counting, SMALL, log=True))
    tried: Counter[str] = Counter()
    for at, (name, _) in enumerate(counting.calls):
        if name == "close":  # what was synced stays synced
            continue
        mail = tmp_path / str(at)
        disk = Disk(at, errno.EIO)
        (first, second), after_first = asyncio.run(send(mail, disk, SMALL, SMALL, log=True))
        if disk.failed in ("", "close"):  # it would have failed after the message
            continue
        refused = first.startswith(FAULTS[errno.EIO])
        assert refused or first.startswith("250 2.0.0 Stored")
        assert len(after_first) == (0 if refused else 2)
        assert all(octets.endswith(SMALL[:-3]) for octets in after_first.values())
        assert second.startswith("250 2.0.0 Stored")
        assert len(files(mail)) == (2 if refused else 4)
        tried["refused" if refused else disk.failed] += 1
    assert tried.keys() >= {"refused", "pwritev", "fdatasync", "fsync"}
    what = ", ".join(f"{count} {name}" for name, count in sorted(tried.items()))
    print(
        f"\n(d) {tried.total()} faults with a log: each 4xx with nothing left, or 250 with all there ({what})"
    )


@pytest.mark.parametrize(("number", "code"), FAULTS.items(), ids=[errno.errorcode[each] for each in FAULTS])
def test_each_fault_has_its_reply(tmp_path: Path, number: int, code: str) -> None:
    (first, _), _ = asyncio.run(send(tmp_path, Disk(20, number), SMALL, SMALL))
    assert first.startswith(code)


def remount(disk: Path, options: str) -> None:
    command = ["mount", "-o", f"remount,{options}", str(disk)]
    # Busy for a moment, where a thread of the server still has a file open for writing.
    wait_until(lambda: subprocess.run(command).returncode == 0, " ".join(command))


def test_a_read_only_file_system_is_4xx_until_it_can_be_written_again(
    serve: Callable[..., Server], small_disk: Path
) -> None:
    server = serve(mail=small_disk / "mail")
    with server.client() as client:
        for options, code in (("rw", "250 2.0.0"), ("ro", "451 4.2.0"), ("rw", "250 2.0.0")):
            remount(small_disk, options)
            client.begin("alice@example.test", "bob@example.test")
            client.send(b"Subject: x\r\n\r\n.\r\n")
            client.expect(code)
    assert len(list((small_disk / "mail/example.test/bob/new").iterdir())) == 2
    server.wait_for_log(r"event=error .*Read-only file system")
