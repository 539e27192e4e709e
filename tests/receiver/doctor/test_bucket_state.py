"""The backlog of the bucket and the rounds of pulling, as the doctor judges what lies in the mail folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.doctor.services import backlog
from receiver.doctor.services.bucket import check_pull, judge_backlog

NOW = 1_795_694_400.0  # 2026-11-26 12:00 UTC


def folder(mail: Path) -> Path:
    (mail / ".bucket" / "pending").mkdir(parents=True, exist_ok=True)
    return mail / ".bucket"


def waits(mail: Path, *ages: float) -> Path:
    for number, age in enumerate(ages):
        (folder(mail) / "pending" / f"{NOW - age:.0f}.M{number}P2.mx1.0123abcd").touch()
    return mail


def pushed(mail: Path, content: str = json.dumps({"at": NOW - 3600, "files": 12})) -> Path:
    (folder(mail) / "pushed").write_text(content)
    return mail


def linked(mail: Path) -> None:
    (folder(mail) / "pending").rmdir()
    (mail / ".bucket" / "pending").symlink_to("/tmp")


def piped(mail: Path) -> None:
    os.mkfifo(folder(mail) / "pushed")


@pytest.mark.parametrize(
    ("make", "push", "holds", "evidence"),
    [
        (pushed, "active", True, "no message waits; all older mail was pushed by 2026-11-26 11:00"),
        (folder, "active", None, "no message waits; mail from before the bucket"),
        (lambda mail: waits(pushed(mail), 30), "active", True, "1 message waits; all older"),
        (lambda mail: waits(pushed(mail), 30, 800), "active", True, "the oldest for 13 min"),
        (lambda mail: waits(pushed(mail), 30, 1000), "active", False, "the oldest for 17 min"),
        (lambda mail: waits(mail, 9000, 1), "active", False, "2 messages wait, the oldest for 2 h"),
        (pushed, "failed", False, "letterbox-push.service is failed; no message waits"),
        (pushed, "inactive", False, "letterbox-push.service is inactive"),
        (pushed, "", None, "systemd does not say whether letterbox-push.service runs"),
        (lambda mail: None, "active", None, "pending: No such file"),
        (linked, "active", None, "pending: no folder"),
        (piped, "active", None, "pushed: no regular file"),
        (lambda mail: pushed(mail, "[]"), "active", None, "pushed: no object"),
        (lambda mail: pushed(mail, "{"), "active", None, "Expecting property name"),
        (lambda mail: pushed(mail, '{"at": "soon"}'), "active", None, "mail from before the bucket"),
    ],
)  # fmt: skip
def test_the_backlog_is_judged_by_its_age_and_never_by_its_silence(
    tmp_path: Path, make: Callable[[Path], object], push: str, holds: bool | None, evidence: str
) -> None:
    make(tmp_path)
    link = judge_backlog(backlog.read(tmp_path), push, NOW)
    assert (link.holds, evidence in link.evidence) == (holds, True), link


def pulled(mail: Path, content: str) -> None:
    (folder(mail) / "pulled").mkdir()
    (mail / ".bucket" / "pulled" / "complete").write_text(content)


@pytest.mark.parametrize(
    ("ago", "unit", "holds", "evidence"),
    [
        (9, "active", True, "began 9 s ago"),
        (-60, "active", True, "began 0 s ago"),
        (1800, "active", None, "began 30 min ago"),
        (3 * 3600, "active", False, "began 3 h ago"),
        (9, "failed", False, "letterbox-pull.service is failed"),
        (9, "", None, "systemd does not say"),
    ],
)
def test_pulling_that_is_behind_is_broken(
    tmp_path: Path, ago: int, unit: str, holds: bool | None, evidence: str
) -> None:
    pulled(tmp_path, str(int(NOW) - ago))
    link = check_pull(tmp_path, unit, NOW)
    assert (link.holds, evidence in link.evidence) == (holds, True), link


@pytest.mark.parametrize("content", ["", "soon", "1" * 40])
def test_a_first_look_that_has_not_ended_is_unknown(tmp_path: Path, content: str) -> None:
    assert check_pull(tmp_path, "active", NOW).is_unknown
    pulled(tmp_path, content)
    assert check_pull(tmp_path, "active", NOW).is_unknown
