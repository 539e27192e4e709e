"""Policies of somebody else: which stay in place of ours, and which ours would change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dns.plan import plan
from dns.records import Record, mark_of
from tests.dns.plan.example import MARK, there


class TestAuthorities:
    """CAA of somebody else stays. A note says what it no longer forbids beside ours."""

    caa = Record("CAA", "e.test", '0 issue "letsencrypt.org"', comment=MARK)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ('0 issue ";"', "no longer keeps letsencrypt.org from issuing"),
            ('0 issue ""', "no longer keeps letsencrypt.org from issuing"),
            (
                '0 issue "letsencrypt.org; accounturi=https://x/1"',
                "beside ours letsencrypt.org may issue without accounturi=https://x/1",
            ),
            (
                '128 issue "LetsEncrypt.org;validationmethods=dns-01"',
                "beside ours letsencrypt.org may issue without validationmethods=dns-01",
            ),
        ],
    )
    def test_a_stricter_one_that_ours_makes_void_is_reported(self, content: str, said: str) -> None:
        for zone in (
            there(Record("CAA", "e.test", content)),
            there(Record("CAA", "e.test", content), self.caa),
        ):
            made = plan("e.test", "e.test", (self.caa,), zone)
            (note,) = made.notes
            assert "is not ours and stays" in note
            assert said in note
            assert not made.obstacles

    @pytest.mark.parametrize(
        "content",
        ['0 issuewild ";"', '0 iodef "mailto:x@e.test"', '0 issue "letsencrypt.org"'],
    )
    def test_one_whose_meaning_does_not_change_is_not_reported(self, content: str) -> None:
        assert plan("e.test", "e.test", (self.caa,), there(Record("CAA", "e.test", content))).notes == ()

    def test_that_another_authority_may_issue_too_is_reported_once(self) -> None:
        other = Record("CAA", "e.test", '0 issue "x.org"')
        (note,) = plan("e.test", "e.test", (self.caa,), there(other)).notes
        assert "now letsencrypt.org may issue beside x.org" in note
        assert plan("e.test", "e.test", (self.caa,), there(other, self.caa)).notes == ()

    def test_one_above_that_no_longer_counts_is_reported(self) -> None:
        above = Record("CAA", "e.test", '0 issue "x.org"')
        ours = replace(self.caa, name="sub.e.test", comment=mark_of("sub.e.test"))
        (note,) = plan("sub.e.test", "e.test", (ours,), there(above)).notes
        assert "no longer counts for sub.e.test" in note

    def test_one_of_another_domain_of_the_inventory_is_not_reported(self) -> None:
        ours = replace(self.caa, name="sub.e.test", comment=mark_of("sub.e.test"))
        made = plan("sub.e.test", "e.test", (ours,), there(self.caa), siblings=["e.test", "sub.e.test"])
        assert made.notes == ()


class TestPolicies:
    """SPF and DMARC of a domain that sends no mail."""

    spf = Record("TXT", "e.test", "v=spf1 -all", comment=MARK)

    def test_they_are_published_beside_other_texts(self) -> None:
        other = there(Record("TXT", "e.test", "verification=1"))
        assert plan("e.test", "e.test", (self.spf,), other).posts == (self.spf,)

    def test_an_spf_that_is_not_ours_stays_and_is_noted(self) -> None:
        other = there(Record("TXT", "e.test", "v=spf1 include:_spf.x.test ~all"))
        made = plan("e.test", "e.test", (self.spf,), other)
        assert made.in_sync
        assert "is not ours and stays" in made.notes[0]

    def test_a_dmarc_behind_an_alias_stays_and_is_noted(self) -> None:
        dmarc = Record("TXT", "_dmarc.e.test", "v=DMARC1; p=reject", comment=MARK)
        alias = there(Record("CNAME", "_dmarc.e.test", "dmarc.x.test"))
        made = plan("e.test", "e.test", (dmarc,), alias)
        assert (made.in_sync, made.withheld) == (True, (dmarc,))
        assert "_dmarc.e.test CNAME dmarc.x.test: is not ours and stays" in made.notes[0]

    def test_ours_goes_when_it_is_no_longer_wanted(self) -> None:
        (held,) = plan("e.test", "e.test", (), there(self.spf)).deletes
        assert held.record == self.spf
