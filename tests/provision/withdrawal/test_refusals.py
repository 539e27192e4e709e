"""What the inventory no longer has stays while mail is led to it, or while nobody can tell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dns.inventory import from_hosts
from dns.world.leads import Lead, Leads
from provision.desired.letterbox_toml import letterbox_toml
from provision.host.served import Served, parse_served
from provision.withdrawal.given_up import GivenUp, given_up, without
from provision.withdrawal.refusals import LookUp, refusals, remarks, unserved_here

MX1, OTHER = "mx1.example.com", "mx9.example.com"
NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
HERE = frozenset({"198.18.0.25"})
BOXES = {"example.com": ["alice", "bob"], "second.com": ["carol"]}


def serving(
    hostname: str = MX1, domains: Mapping[str, Any] = BOXES, more: Mapping[str, Any] | None = None
) -> Served:
    """What a host serves by the file that the deploy writes for it."""
    data = {"mailboxes": [], "aliases": {"postmaster": ["keeper@keeper.com"]}}
    whole = {name: {**data, "mailboxes": boxes} for name, boxes in domains.items()}
    whole["keeper.com"] = {"mailboxes": ["keeper"]}
    inventory = from_hosts([("host", {"hostname": hostname, **(more or {}), "domains": whole})])
    return parse_served(letterbox_toml(inventory.hosts[0], inventory.domains))


def looking(**answers: Leads) -> LookUp:
    """The DNS: these answers, by domain (`_` for the dot); no MX for other domains."""

    def look(domains: Iterable[str]) -> dict[str, Leads]:
        return {name: answers.get(name.replace(".", "_"), Leads(name)) for name in domains}

    return look


def not_asked(domains: Iterable[str]) -> dict[str, Leads]:
    raise AssertionError(f"the DNS was asked for {list(domains)}")


def to(target: str, domain: str = "second.com", *addresses: str) -> Leads:
    return Leads(domain, (Lead(domain, target, 10, 300, "ns1.test", frozenset(addresses)),))


def refused(before: Served | None, after: Served, look: LookUp, forget: Collection[str] = ()) -> list[str]:
    return refusals(without(given_up(before, after), forget), before, after, HERE, look, now=lambda: NOW)


ORDINARY = {
    "the same": serving(),
    "a new domain": serving(domains={**BOXES, "third.com": ["dora"]}),
    "a new mailbox": serving(domains={**BOXES, "second.com": ["carol", "dora"]}),
    "a mailbox taken out": serving(domains={**BOXES, "second.com": []}),
    "workers, preference, address": serving(
        more={"workers": 2, "mx_preference": 5, "public_ipv4": "198.18.0.9", "allow_private_address": True}
    ),
    "another name for ssh, the same hostname": serving(more={"ssh_hostname": "198.18.0.25"}),
    "another hostname": serving(OTHER),
}


@pytest.mark.parametrize("change", ORDINARY)
def test_an_ordinary_change_is_made_without_asking_the_dns(change: str) -> None:
    assert refused(serving(), ORDINARY[change], not_asked) == []


def test_a_bare_host_gives_nothing_up() -> None:
    assert refused(None, serving(), not_asked) == []


def unserved(leads: Leads, *forgotten: str) -> list[str]:
    return unserved_here([leads], MX1, forgotten, now=lambda: NOW)


def test_a_new_host_does_not_take_the_name_that_an_unknown_domain_is_led_to() -> None:
    (problem,) = unserved(to(MX1))
    assert problem.startswith("second.com MX 10 mx1.example.com leads mail here by a record of ours")
    assert "python -m dns.sync second.com --withdraw" in problem
    assert unserved(to(OTHER)) == unserved(to(MX1), "second.com") == []


def test_a_new_host_waits_for_the_senders_of_a_domain_that_was_withdrawn() -> None:
    (problem,) = unserved(Leads("second.com", withdrawn_until=NOW + timedelta(minutes=9)))
    assert "come until 2026-11-26 03:09 UTC" in problem
    assert unserved(Leads("second.com", withdrawn_until=NOW - timedelta(minutes=1))) == []


ONE = serving(domains={"example.com": BOXES["example.com"]})
DOMAIN_OUT = {
    "its MX leads to the host": (
        to(MX1),
        "second.com MX 10 mx1.example.com leads mail here (ns1.test says so), which would be answered 550 "
        "and returned to its senders: put the domain back; or withdraw it with python -m dns.sync second.com "
        "--withdraw, which says when to run this again",
    ),
    "its MX leads to another name of the host": (
        to("mail.second.com", "second.com", *HERE),
        "second.com MX 10 mail.second.com leads mail here",
    ),
    "it has no MX, and is the host itself": (
        Leads("second.com", (Lead("second.com", "second.com", None, 60, "ns1.test", HERE),)),
        "second.com (no MX: its own address) leads mail here (ns1.test says so), which would be answered 550 "
        "and returned to its senders: put the domain back; or give it a null MX (0 .) at its DNS, wait 60 s",
    ),
    "a nameserver is silent": (
        Leads("second.com", unknown="ns2.test does not answer for it"),
        "whether its MX still leads here cannot be told (ns2.test does not answer for it)",
    ),
    "it leads elsewhere, and a nameserver is silent": (
        replace(to("mx.google.test"), unknown="ns2.test does not answer for it"),
        "cannot be told",
    ),
}


@pytest.mark.parametrize("what", DOMAIN_OUT)
def test_a_domain_taken_out_is_refused_while_mail_may_be_led_here(what: str) -> None:
    leads, said = DOMAIN_OUT[what]
    (reason,) = refused(serving(), ONE, looking(second_com=leads))
    assert reason.startswith("it serves second.com, which the inventory no longer has, and ")
    assert said in reason
    assert "--data forget_domain=second.com" in reason
    assert "\n" not in reason


@pytest.mark.parametrize(
    "leads", [Leads("second.com"), to("mx.google.test"), to("mx.google.test", "second.com", "192.0.2.9")]
)
def test_a_domain_taken_out_goes_when_no_mx_leads_here_any_more(leads: Leads) -> None:
    assert refused(serving(), ONE, looking(second_com=leads)) == []


def test_a_domain_taken_out_goes_unasked_when_it_is_named() -> None:
    assert refused(serving(), ONE, not_asked, ("second.com",)) == []
    assert refused(serving(), ONE, looking(second_com=to(MX1)), ("example.com",)) != []


def test_every_domain_taken_out_is_named_at_once() -> None:
    look = looking(second_com=to(MX1), example_com=to(MX1, "example.com"))
    said = refused(serving(), serving(domains={}), look)
    assert [reason.split(",")[0] for reason in said] == ["it serves example.com", "it serves second.com"]
    assert len(refused(serving(), serving(domains={}), look, ("second.com",))) == 1


UNTIL = NOW + timedelta(minutes=8)
WITHDRAWN = {
    "senders may still come": (
        Leads("second.com", withdrawn_until=UNTIL),
        "its MX was withdrawn, but senders may keep that MX and come until 2026-11-26 03:08 UTC: run this",
    ),
    "a resolver still has its MX, and no time is known": (
        Leads("second.com", (Lead("second.com", MX1, 10, 77, "the resolver 192.0.2.1", cached=True),)),
        "its MX has gone, but the resolver 192.0.2.1 still keeps second.com MX 10 mx1.example.com for 77 s",
    ),
    "a nameserver does not say until when": (
        Leads("second.com", unknown="ns2.test does not answer for it"),
        "cannot be told (ns2.test does not answer for it)",
    ),
}


@pytest.mark.parametrize("what", WITHDRAWN)
def test_a_domain_that_was_withdrawn_stays_while_senders_may_come(what: str) -> None:
    leads, said = WITHDRAWN[what]
    (reason,) = refused(serving(), ONE, looking(second_com=leads))
    assert said in reason
    assert "--data forget_domain=second.com" in reason


def test_a_domain_that_was_withdrawn_goes_when_its_time_has_come() -> None:
    assert refused(serving(), ONE, looking(second_com=Leads("second.com", withdrawn_until=NOW))) == []


def test_what_is_given_up_is_said_with_where_its_mail_lies() -> None:
    after = serving(domains={"example.com": ["alice"]})
    assert remarks(given_up(serving(), after)) == [
        "second.com is no longer served: mail to it is answered 550; what came before stays in "
        "/var/lib/letterbox/mail/second.com",
        "bob@example.com is no longer a mailbox: mail to it is answered 550 unless an alias or the catch-all "
        "takes it; what came before stays in /var/lib/letterbox/mail/example.com/bob",
    ]
    assert remarks(given_up(serving(), serving())) == []
    assert remarks(given_up(serving(), serving(OTHER))) == [
        f"its name was {MX1}; mail is taken under the new name as well as under the old one"
    ]


DOMAINS = st.dictionaries(
    st.sampled_from(["a.com", "b.com", "c.com"]), st.lists(st.sampled_from("xyz"), unique=True)
)
HOSTNAMES = st.sampled_from([MX1, OTHER])


@given(b=st.tuples(HOSTNAMES, DOMAINS), a=st.tuples(HOSTNAMES, DOMAINS))
def test_a_deploy_is_refused_exactly_where_a_domain_goes(b: Any, a: Any) -> None:
    """With every MX on the old name, and with nobody who answers; and nothing is refused where none leads."""
    before, after = serving(*b), serving(*a)
    gone = sorted(set(b[1]) - set(a[1]))

    def all_here(domains: Iterable[str]) -> dict[str, Leads]:
        return {name: to(b[0], name) for name in domains}

    def silent(domains: Iterable[str]) -> dict[str, Leads]:
        return {name: Leads(name, unknown="timeout") for name in domains}

    for look in (all_here, silent):
        assert len(refused(before, after, look)) == len(gone)
    assert refused(before, after, looking()) == []
    assert refused(before, after, not_asked, gone) == []
    assert given_up(before, after).domains == tuple(name for name in before.domains if name in gone)


@given(domains=DOMAINS)
def test_what_the_deploy_writes_is_what_it_reads_back(domains: dict[str, list[str]]) -> None:
    boxes = {name: tuple(names) for name, names in domains.items()}
    assert serving(domains=domains) == Served(MX1, {**boxes, "keeper.com": ("keeper",)})


@pytest.mark.parametrize(
    "text", ["", "hostname = 1", "hostname = 'a'\ndomains = 2", "not toml", 'hostname="a"\ndomains={a=1}']
)
def test_a_text_that_is_not_a_configuration_is_never_taken_for_one_that_serves_nothing(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_served(text)


def test_names_written_by_hand_are_compared_in_a_labels() -> None:
    text = 'hostname = "MX.Bücher.example"\n[domains."Bücher.example"]\nmailboxes = ["Alice"]\n'
    assert parse_served(text) == Served("mx.xn--bcher-kva.example", {"xn--bcher-kva.example": ("alice",)})


def test_nothing_is_given_up_by_a_host_that_served_nothing() -> None:
    assert given_up(None, serving()) == GivenUp()
