"""Policies of somebody else that stay in place of ours."""

from __future__ import annotations

from dns.plan import plan
from dns.records import Record
from tests.dns.plan.example import MARK, there


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
