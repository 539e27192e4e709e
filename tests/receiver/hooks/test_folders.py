"""The folders of a queue get the group of the hooks, and a link in their place leads nowhere."""

from __future__ import annotations

import grp
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# Anybody may give a folder to a group that he is in.
GROUP = "daemon" if os.geteuid() == 0 else grp.getgrgid(os.getegid()).gr_name


def prepare(mail: Path, group: str = GROUP) -> subprocess.CompletedProcess[str]:
    """`letterbox hooks --prepare orders`, in a process of its own, because it gives root up."""
    config = mail.parent / "letterbox.toml"
    config.write_text(f'mail = "{mail}"\n')
    program = (
        f"import sys; from receiver.hooks import folders; folders.GROUP = {group!r}; "
        f"from receiver.__main__ import main; "
        f"sys.exit(main(['hooks', '--config', {str(config)!r}, '--prepare', 'orders']))"
    )
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )


def rights(path: Path) -> tuple[str, int]:
    state = path.stat()
    return grp.getgrgid(state.st_gid).gr_name, state.st_mode & 0o7777


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    (tmp_path / "mail").mkdir(mode=0o700)
    return tmp_path / "mail"


def test_the_queue_is_the_groups_and_the_folder_above_is_not(mail: Path) -> None:
    done = prepare(mail)
    assert (done.returncode, done.stderr) == (0, "")
    queue = mail / ".hooks" / "orders"
    assert rights(queue) == (GROUP, 0o750)
    assert {rights(queue / part) for part in ("pending", "dead", "state")} == {(GROUP, 0o770)}
    assert (mail / ".hooks").stat().st_mode & 0o7777 == 0o700


def test_what_the_receiver_has_made_is_put_right_and_keeps_its_messages(mail: Path) -> None:
    pending = mail / ".hooks" / "orders" / "pending"
    pending.mkdir(parents=True, mode=0o700)
    (pending / "1.M1.mx1.00000000").write_text("a message")
    pending.parent.chmod(0o770)
    assert prepare(mail).returncode == 0
    assert (rights(pending.parent), rights(pending)) == ((GROUP, 0o750), (GROUP, 0o770))
    assert (pending / "1.M1.mx1.00000000").read_text() == "a message"


@pytest.mark.parametrize(
    "part", [".hooks", *(f".hooks/orders{part}" for part in ("", "/pending", "/dead", "/state"))]
)
def test_a_link_in_the_place_of_a_folder_is_not_followed(mail: Path, part: str) -> None:
    elsewhere = mail.parent / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    before = rights(elsewhere)
    link = mail / part
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere)
    done = prepare(mail)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert (rights(elsewhere), list(elsewhere.iterdir())) == (before, [])


def test_without_the_group_the_fix_is_said(mail: Path) -> None:
    done = prepare(mail, "no-such-group")
    assert (done.returncode, done.stderr) == (
        1, "letterbox: there is no group no-such-group: deploy this host\n",
    )  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_the_hooks_user_can_change_what_lies_in_the_parts_and_not_the_parts(mail: Path) -> None:
    """Else it could put a link in the place of pending/, which the receiver would follow."""
    assert prepare(mail).returncode == 0
    queue = mail / ".hooks" / "orders"
    program = """if True:
        import os, sys
        folder = os.open(sys.argv[1], os.O_RDONLY)
        os.fchdir(folder)
        os.setgroups([int(sys.argv[2])])
        os.setgid(61_000)
        os.setuid(61_000)
        def refused(call, *words):
            try:
                call(*words)
            except PermissionError:
                return True
        for part in ("pending", "dead", "state"):
            os.mkdir(f"{part}/one")
            os.rename(f"{part}/one", f"{part}/two")
            assert refused(os.rename, part, "other") and refused(os.rmdir, part), part
            assert refused(os.chmod, part, 0o777), part
        assert refused(os.mkdir, "new") and refused(os.symlink, "pending", "new")
    """
    group = str(grp.getgrnam(GROUP).gr_gid)
    done = subprocess.run(
        [sys.executable, "-c", program, queue, group], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(each.name for each in queue.iterdir()) == ["dead", "pending", "state"]
