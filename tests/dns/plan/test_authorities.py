"""CAA of somebody else: they stay, and what ours allow that they forbid is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dns.caa.properties import bound
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


ACCOUNT = "https://acme.test/1"


class TestAtAHost:
    """Our CAA stands at a mail host's name, below the names of whoever has some."""

    ours = Record("CAA", "mx1.e.test", bound("letsencrypt.org", ACCOUNT), comment=MARK)

    def notes(self, *records: Record, standing: bool = False) -> tuple[str, ...]:
        more = (self.ours,) if standing else ()
        made = plan("e.test", "e.test", (self.ours,), there(*records, *more))
        assert (made.deletes, made.obstacles) == ((), ())
        return made.notes

    @pytest.mark.parametrize(
        "content",
        [
            '0 issue "letsencrypt.org"',
            '0 issue "LETSENCRYPT.org ; validationmethods=http-01,dns-01"',
            f'0 issue "letsencrypt.org; accounturi={ACCOUNT}"',
            '0 issuewild "letsencrypt.org"',
            '0 contactemail "x@e.test"',
        ],
    )
    @pytest.mark.parametrize("at", ["e.test", "mx1.e.test"])
    def test_one_that_allows_all_that_ours_allows_is_not_reported(self, content: str, at: str) -> None:
        assert self.notes(Record("CAA", at, content)) == ()

    @pytest.mark.parametrize(
        "content",
        [
            '0 issue "x.org"',
            '0 issue ";"',
            '0 issue "not a name!"',
            '0 issue "letsencrypt.org; accounturi=https://acme.test/2"',
            '0 issue "letsencrypt.org; validationmethods=tls-alpn-01"',
            '0 issue "letsencrypt.org; other=x"',
            '0 issuewild ";"',
            '0 issuemail ";"',
            '128 unheard-of "x"',
        ],
    )
    def test_a_stricter_one_above_is_reported_for_as_long_as_ours_stands(self, content: str) -> None:
        for standing in (False, True):
            (note,) = self.notes(Record("CAA", "e.test", content), standing=standing)
            assert "is not ours and stays, but it no longer counts for mx1.e.test, which has ours" in note

    def test_that_refusals_are_no_longer_reported_is_said_once(self) -> None:
        above = Record("CAA", "e.test", '0 iodef "mailto:x@e.test"')
        assert len(self.notes(above)) == 1
        assert self.notes(above, standing=True) == ()

    def test_only_the_nearest_name_above_that_has_any_is_meant(self) -> None:
        ours = replace(self.ours, name="mx1.sub.e.test")
        far = Record("CAA", "e.test", '0 issue "x.org"')
        near = Record("CAA", "sub.e.test", '0 issue "letsencrypt.org"')
        assert plan("e.test", "e.test", (ours,), there(far, near)).notes == ()
        (note,) = plan("e.test", "e.test", (ours,), there(far)).notes
        assert note.startswith('e.test CAA 0 issue "x.org": ')

    def test_one_that_another_of_theirs_makes_void_is_not_reported(self) -> None:
        strict = Record("CAA", "e.test", '0 issue "letsencrypt.org; accounturi=https://acme.test/2"')
        assert self.notes(strict, Record("CAA", "e.test", '0 issue "letsencrypt.org"')) == ()

    def test_an_alias_above_whose_target_may_have_some_is_said_once(self) -> None:
        ours = replace(self.ours, name="mx1.sub.e.test")
        alias = Record("CNAME", "sub.e.test", "x.test")
        (note,) = plan("e.test", "e.test", (ours,), there(alias)).notes
        assert "sub.e.test CNAME x.test: is not ours and stays, but if x.test has CAA records" in note
        assert plan("e.test", "e.test", (ours,), there(alias, ours)).notes == ()

    def test_one_beside_ours_with_another_account_is_reported(self) -> None:
        beside = Record("CAA", "mx1.e.test", '0 issue "letsencrypt.org; accounturi=https://acme.test/2"')
        (note,) = self.notes(beside)
        assert (
            f"beside ours letsencrypt.org may issue with validationmethods=dns-01; accounturi={ACCOUNT}"
            in note
        )

    def test_one_of_each_of_several_hosts_is_looked_at(self) -> None:
        two = replace(self.ours, name="mx2.e.test")
        beside = Record("CAA", "mx2.e.test", '0 issue ";"')
        (note,) = plan("e.test", "e.test", (self.ours, two), there(beside)).notes
        assert "mx2.e.test CAA" in note


class TestTheAccountOfAHost:
    """A record of ours that names an account follows what is known, whichever domain it was made for."""

    new = Record("CAA", "mx1.e.test", bound("letsencrypt.org", "https://acme.test/2"), comment=MARK)
    old = Record("CAA", "mx1.e.test", bound("letsencrypt.org", ACCOUNT), comment=mark_of("other.e.test"))
    host = Record("A", "mx1.e.test", "192.0.2.1", comment=MARK)

    @pytest.mark.parametrize("mark", [MARK, mark_of("other.e.test")])
    def test_a_new_account_replaces_the_old_one(self, mark: str) -> None:
        old = replace(self.old, comment=mark)
        made = plan(
            "e.test", "e.test", (self.host, self.new), there(self.host, old), siblings=["other.e.test"]
        )
        assert made.posts == (self.new,)
        assert [held.record for held in made.deletes] == [old]

    @pytest.mark.parametrize("mark", [MARK, mark_of("other.e.test")])
    def test_it_stays_while_the_account_is_not_known(self, mark: str) -> None:
        old = replace(self.old, comment=mark)
        made = plan(
            "e.test", "e.test", (self.host,), there(self.host, old),
            siblings=["other.e.test"], untouched=["mx1.e.test"],
        )  # fmt: skip
        assert made.in_sync

    def test_one_that_is_no_longer_asked_for_goes(self) -> None:
        made = plan("e.test", "e.test", (self.host,), there(self.host, self.old), siblings=["other.e.test"])
        assert [held.record for held in made.deletes] == [self.old]

    def test_the_authorities_that_another_domain_lists_at_the_same_name_stay(self) -> None:
        listed = Record("CAA", "mx1.e.test", '0 issue "x.org"', comment=mark_of("mx1.e.test"))
        made = plan(
            "e.test", "e.test", (self.host, self.new), there(self.host, listed), siblings=["mx1.e.test"]
        )
        assert made.deletes == ()

    def test_an_equal_one_of_somebody_else_is_adopted(self) -> None:
        theirs = replace(self.new, comment=None)
        made = plan("e.test", "e.test", (self.host, self.new), there(self.host, theirs))
        assert made.in_sync and made.adopted

    def test_one_of_somebody_else_with_an_account_is_never_touched(self) -> None:
        theirs = replace(self.old, comment="by hand")
        made = plan("e.test", "e.test", (self.host,), there(self.host, theirs))
        assert made.in_sync
