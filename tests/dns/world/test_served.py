"""Waiting until the zone's nameservers answer, with a nameserver that serves what is published."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from dns import sync
from dns.errors import NotServed
from dns.inventory import load
from dns.sync import Prepared
from dns.world.answers import Answer
from dns.world.expected import Expected, from_plan
from dns.world.nameservers import Server
from dns.world.progress import Progress
from dns.world.served import Wrong, longest_ttl, out_of_reach
from tests.dns.example import DOMAIN, HOST, inventory_text
from tests.dns.loopback.nameserver import Fault, Nameserver
from tests.lab.cloudflare import StandIn


def wait(prepared: Prepared, nameserver: Nameserver, seconds: float = 20.0) -> list[dict[Server, Progress]]:
    """Wait, and return the progress that was shown."""
    seen: list[dict[Server, Progress]] = []

    def show(known: Mapping[Server, Progress]) -> None:
        seen.append(dict(known))

    sync.wait_until_served(
        prepared, seconds=seconds, resolver=nameserver.resolver, port=nameserver.port, on_progress=show
    )
    return seen


@pytest.fixture
def prepared(cloudflare: StandIn, inventory: Path) -> Prepared:
    """The plan for an empty zone."""
    return sync.prepare(load(inventory), "example.test", {})


def test_what_is_published_is_found_served(prepared: Prepared, nameserver: Nameserver) -> None:
    sync.apply(prepared)
    last = wait(prepared, nameserver)[-1]
    assert {server.name for server in last} == {"ns1.cloudflare.test", "ns2.cloudflare.test"}
    assert all(progress.good == progress.asked == 3 for progress in last.values())


def test_it_waits_until_the_nameservers_have_it(
    cloudflare: StandIn, prepared: Prepared, nameserver: Nameserver
) -> None:
    cloudflare.hold_publishing()
    sync.apply(prepared)
    asked = threading.Event()
    seen: list[bool] = []

    def show(known: Mapping[Server, Progress]) -> None:
        seen.append(all(progress.done for progress in known.values()))
        asked.set()

    publisher = threading.Thread(target=lambda: (asked.wait(20), cloudflare.publish()))
    publisher.start()
    sync.wait_until_served(
        prepared, seconds=20, resolver=nameserver.resolver, port=nameserver.port, on_progress=show
    )
    publisher.join()
    assert seen[0] is False
    assert seen[-1] is True


SILENT = Wrong(Expected("e.test", "A", frozenset({"192.0.2.1"})), Answer(status="", silence="Timeout"))
WRONG = Wrong(SILENT.question, Answer())
FOUR, FOUR_TOO, SIX = Server("a", "192.0.2.1"), Server("b", "192.0.2.2"), Server("a", "2001:db8::1")


@pytest.mark.parametrize(
    ("wrong", "unreached"),
    [
        ({FOUR: [], FOUR_TOO: [], SIX: [SILENT]}, {SIX}),
        ({FOUR: [SILENT], FOUR_TOO: [SILENT], SIX: []}, {FOUR, FOUR_TOO}),
        ({FOUR: [], FOUR_TOO: [SILENT], SIX: [SILENT]}, set()),
        ({FOUR: [], FOUR_TOO: [], SIX: [WRONG]}, set()),
        ({FOUR: [WRONG], FOUR_TOO: [], SIX: [SILENT]}, set()),
        ({FOUR: [SILENT], FOUR_TOO: [SILENT], SIX: [SILENT]}, set()),
        ({FOUR: [SILENT], FOUR_TOO: [SILENT]}, set()),
    ],
)
def test_an_ip_version_over_which_nobody_answers_is_this_machines_own_fault(
    wrong: dict[Server, list[Wrong]], unreached: set[Server]
) -> None:
    assert out_of_reach(wrong) == unreached


@pytest.mark.usefixtures("silence")
def test_it_does_not_wait_for_an_ip_version_that_leads_nowhere(
    prepared: Prepared, nameserver: Nameserver
) -> None:
    nameserver.hosts = {"ns1.cloudflare.test": "127.0.0.1", "ns2.cloudflare.test": "::1"}
    sync.apply(prepared)
    last = wait(prepared, nameserver)[-1]
    assert {server.address: progress.done for server, progress in last.items()} == {
        "127.0.0.1": True,
        "::1": False,
    }


def test_what_is_missing_when_the_deadline_passes_is_reported(
    cloudflare: StandIn, prepared: Prepared, nameserver: Nameserver
) -> None:
    cloudflare.hold_publishing()
    sync.apply(prepared)
    with pytest.raises(NotServed) as late:
        wait(prepared, nameserver, seconds=0.5)
    first, *rest = str(late.value).splitlines()
    assert "2 of 2 nameserver addresses do not answer" in first
    assert rest[0].strip() == (
        "ns1.cloudflare.test (127.0.0.1): example.test MX: 10 mx1.example.test is missing"
    )


def test_a_record_too_many_is_not_served_as_planned(
    cloudflare: StandIn, prepared: Prepared, nameserver: Nameserver
) -> None:
    sync.apply(prepared)
    cloudflare.seed("example.test", {"type": "A", "name": "mx1", "content": "192.0.2.9"})
    with pytest.raises(NotServed, match=r"mx1\.example\.test A: 192\.0\.2\.9 is still there"):
        wait(prepared, nameserver, seconds=0.3)


def test_a_proxied_mail_host_is_seen_in_the_answers(
    cloudflare: StandIn, prepared: Prepared, nameserver: Nameserver
) -> None:
    sync.apply(prepared)
    for record in cloudflare.zones["example.test"].records.values():
        record["proxied"] = record["type"] == "A"
    cloudflare.publish()
    with pytest.raises(NotServed, match="10 mx1"):
        wait(prepared, nameserver, seconds=0.3)


def test_an_answer_without_authority_does_not_count(prepared: Prepared, nameserver: Nameserver) -> None:
    sync.apply(prepared)
    nameserver.authoritative = False
    with pytest.raises(NotServed, match="not authoritative"):
        wait(prepared, nameserver, seconds=0.3)


def test_an_answer_too_long_for_udp_is_taken_over_tcp(
    cloudflare: StandIn, inventory: Path, nameserver: Nameserver
) -> None:
    hosts = {
        f"mx{n}.a-rather-long-name-for-a-host.example.test": {**HOST, "mx_preference": n} for n in range(15)
    }
    inventory.write_text(inventory_text(hosts, {"example.test": DOMAIN}))
    many = sync.prepare(load(inventory), "example.test", {})
    sync.apply(many)
    assert wait(many, nameserver)


def test_texts_of_others_at_the_name_do_not_matter(
    cloudflare: StandIn, inventory: Path, nameserver: Nameserver
) -> None:
    cloudflare.seed("example.test", {"type": "TXT", "name": "@", "content": "verification=1"})
    inventory.write_text(
        inventory_text({"mx1.example.test": HOST}, {"example.test": {**DOMAIN, "sends_mail": False}})
    )
    quiet = sync.prepare(load(inventory), "example.test", {})
    sync.apply(quiet)
    assert wait(quiet, nameserver)


def test_the_wait_does_not_expect_ours_in_place_of_another_spf(
    cloudflare: StandIn, inventory: Path, nameserver: Nameserver
) -> None:
    cloudflare.seed("example.test", {"type": "TXT", "name": "@", "content": "v=spf1 include:x.test ~all"})
    inventory.write_text(
        inventory_text({"mx1.example.test": HOST}, {"example.test": {**DOMAIN, "sends_mail": False}})
    )
    quiet = sync.prepare(load(inventory), "example.test", {})
    sync.apply(quiet)
    assert wait(quiet, nameserver)


def test_the_ip_version_that_a_host_lacks_should_be_empty(cloudflare: StandIn, inventory: Path) -> None:
    host = {**HOST, "public_ipv6": None}
    inventory.write_text(inventory_text({"mx1.example.test": host}, {"example.test": DOMAIN}))
    questions = from_plan(sync.prepare(load(inventory), "example.test", {}).plan)
    assert Expected("mx1.example.test", "AAAA", frozenset()) in questions


def test_nameservers_that_cannot_be_looked_up_are_reported(
    prepared: Prepared, nameserver: Nameserver
) -> None:
    nameserver.hosts = {}
    with pytest.raises(sync.SyncError, match=r"ns1\.cloudflare\.test, ns2.*cannot be asked"):
        wait(prepared, nameserver)


def test_the_longest_ttl_is_that_of_what_changes_or_of_its_absence(
    cloudflare: StandIn, prepared: Prepared, nameserver: Nameserver, inventory: Path
) -> None:
    server = (Server("ns1", nameserver.address),)
    cloudflare.publish()
    assert longest_ttl(server, from_plan(prepared.plan), nameserver.port) == 1800
    sync.apply(prepared)
    assert longest_ttl(server, from_plan(prepared.plan), nameserver.port) == 0
    for record in cloudflare.zones["example.test"].records.values():
        record["content"] = record["content"].replace("198.18.0.25", "198.18.0.99")
        record["ttl"] = 600
    cloudflare.publish()
    assert longest_ttl(server, from_plan(prepared.plan), nameserver.port) == 600


@pytest.mark.parametrize("fault", ["SERVFAIL", "REFUSED", "lame", "upwards"])
def test_the_longest_ttl_is_unknown_if_a_question_gets_no_answer(
    cloudflare: StandIn, prepared: Prepared, nameserver: Nameserver, fault: Fault
) -> None:
    cloudflare.publish()
    nameserver.faults["mx1.example.test", "A"] = fault
    assert (
        longest_ttl((Server("ns1", nameserver.address),), from_plan(prepared.plan), nameserver.port) is None
    )


@pytest.mark.parametrize("fault", ["SERVFAIL", "lame", "upwards"])
def test_an_answer_that_says_nothing_is_waited_for(
    prepared: Prepared, nameserver: Nameserver, fault: Fault
) -> None:
    sync.apply(prepared)
    nameserver.faults["mx1.example.test", "AAAA"] = fault
    with pytest.raises(NotServed, match=r"mx1\.example\.test AAAA: "):
        wait(prepared, nameserver, seconds=0.3)
