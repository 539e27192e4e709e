"""The link `quota`: which mailboxes are full, or nearly."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.config.load import load
from receiver.doctor.disk import check_quotas
from tests.receiver.keeping.mail import new_mail


@pytest.mark.parametrize(
    ("octets", "holds", "evidence"),
    [
        (500, True, "alice@example.test uses most of its quota: 50%"),
        (950, True, "alice@example.test: more than 90% of the quota is used"),
        (1000, False, "alice@example.test: the mailbox is full, and its mail is deferred with 452 4.2.2"),
    ],
)
def test_a_mailbox_is_named_when_it_is_nearly_full_and_broken_when_it_is_full(
    tmp_path: Path, octets: int, holds: bool, evidence: str
) -> None:
    mail = new_mail(tmp_path, '[quota]\n"example.test" = 1000')
    mail.put(1, octets=octets)
    link = check_quotas(load(mail.config))
    assert (link.name, link.holds, link.evidence) == ("quota", holds, evidence)


def test_a_mailbox_that_cannot_be_counted_is_unknown(tmp_path: Path) -> None:
    mail = new_mail(tmp_path, '[quota]\n"example.test" = 1000')
    (mail.folder / "example.test" / "bob").symlink_to(tmp_path)
    link = check_quotas(load(mail.config))
    assert link.holds is None and "bob@example.test cannot be counted" in link.evidence
