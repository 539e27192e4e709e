"""Waiting until the zone's own nameservers answer, against a nameserver that serves what is published."""

import errno
import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import pytest

from dns import check, sync
from dns.errors import NotServed
from dns.inventory import load
from dns.sync import Prepared
from dns.terminal import progress
from dns.world.answers import Answer
from dns.world.expected import Expected, from_plan
from dns.world.nameservers import Server, has_route, locate_all
from dns.world.progress import Progress
from dns.world.resolvers import resolver_at
from dns.world.served import Wrong, longest_ttl, out_of_reach
from dns.world.vantage import REFERENCES
from tests.dns.example import DOMAIN, HOST, OURS, inventory_text
from tests.dns.loopback.nameserver import Fault, Nameserver
from tests.dns.loopback.world import SOA, MailHost
from tests.lab.cloudflare import StandIn


def wait(prepared: Prepared, nameserver: Nameserver, seconds: float = 20.0) -> list[dict[Server, Progress]]:
    """Wait; what was shown."""
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
def test_an_ip_version_in_which_nobody_answers_is_this_machines_own_trouble(
    wrong: dict[Server, list[Wrong]], unreached: set[Server]
) -> None:
    assert out_of_reach(wrong) == unreached


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


def test_what_is_missing_when_the_deadline_passes_is_said(
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


def test_anothers_spf_is_not_waited_to_become_ours(
    cloudflare: StandIn, inventory: Path, nameserver: Nameserver
) -> None:
    cloudflare.seed("example.test", {"type": "TXT", "name": "@", "content": "v=spf1 include:x.test ~all"})
    inventory.write_text(
        inventory_text({"mx1.example.test": HOST}, {"example.test": {**DOMAIN, "sends_mail": False}})
    )
    quiet = sync.prepare(load(inventory), "example.test", {})
    sync.apply(quiet)
    assert wait(quiet, nameserver)


def test_the_family_that_a_host_lacks_is_expected_to_be_empty(cloudflare: StandIn, inventory: Path) -> None:
    host = {**HOST, "public_ipv6": None}
    inventory.write_text(inventory_text({"mx1.example.test": host}, {"example.test": DOMAIN}))
    questions = from_plan(sync.prepare(load(inventory), "example.test", {}).plan)
    assert Expected("mx1.example.test", "AAAA", frozenset()) in questions


def test_nameservers_that_cannot_be_looked_up_are_said(prepared: Prepared, nameserver: Nameserver) -> None:
    nameserver.hosts = {}
    with pytest.raises(sync.SyncError, match=r"ns1\.cloudflare\.test, ns2.*cannot be asked"):
        wait(prepared, nameserver)


@pytest.mark.parametrize("text", ["nonsense", "1.1.1.1#x", "1.1.1.1#99999", "1.1.1.1#0", "1.1.1.1#"])
def test_a_resolver_that_is_none_is_said(text: str) -> None:
    with pytest.raises(sync.SyncError, match="give ADDRESS or ADDRESS#PORT"):
        resolver_at(text)


def test_without_a_terminal_the_progress_is_lines() -> None:
    out = io.StringIO()
    one, other = Server("ns1.test", "192.0.2.1"), Server("ns2.test", "192.0.2.2")
    with progress.display("asking", out) as show:
        show({one: Progress(one, 3, 3), other: Progress(other, 1, 3, "e.test MX: missing")})
        show({one: Progress(one, 3, 3), other: Progress(other, 3, 3)})
    assert out.getvalue().splitlines() == [
        "asking",
        "  ns1.test (192.0.2.1): answers",
        "  ns2.test (192.0.2.2): answers",
    ]


@pytest.fixture
def on_port_53(zones_dir: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a nameserver on port 53, where a program looks for one.

    It is the root's, the zone's, and a resolver. A mail host of somebody else stands at port 25, by which
    a program sees that it may go there.
    """
    with ExitStack() as stack:
        server = stack.enter_context(_on_port(53, lambda address: Nameserver(zones_dir, {}, address, 53)))
        other = stack.enter_context(
            _on_port(25, lambda address: MailHost(address, 25, certificate, name="mx.google.com"))
        )
        names = "".join(f"ns{n}.cloudflare.test. 60 A {server.address}\n" for n in (1, 2))
        delegations = "".join(f"{zone}.test. 60 NS ns1.cloudflare.test.\n" for zone in ("example", "other"))
        reference = (
            f"{REFERENCES[0]}. 60 A {other.address}\n{REFERENCES[0]}. 60 AAAA ::ffff:{other.address}\n"
        )
        server.zones = {
            ".": f"{SOA}@ 60 NS ns1.cloudflare.test.\n{delegations}",
            "cloudflare.test": SOA + names,
            "google.com": SOA + reference,
        }
        monkeypatch.setenv("LETTERBOX_RESOLVER", server.address)
        yield server.address


T = TypeVar("T")


def _on_port(port: int, start: Callable[[str], T]) -> T:
    """Started at an address where the port is free: another run of these tests may have the first one."""
    for number in range(53, 100):
        try:
            return start(f"127.83.0.{number}")
        except PermissionError:
            pytest.skip(f"port {port} needs root")
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return pytest.skip(f"a program of this machine has port {port} at all of its addresses")


def test_the_command_waits_then_looks_from_outside(
    cloudflare: StandIn, on_port_53: str, inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": DOMAIN}))
    code = sync.main(["example.test", "--inventory", str(inventory)])
    out, err = capsys.readouterr()
    assert code == 0
    assert "answered by all its nameservers" in out
    assert f"ns2.cloudflare.test ({on_port_53}): answers" in err
    assert f"mx1.example.test ({OURS['public_ipv4']}) port 25: nothing listens there" in out


def test_the_command_says_as_json_what_it_saw_from_outside(
    cloudflare: StandIn, on_port_53: str, inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": DOMAIN}))
    assert sync.main(["example.test", "--inventory", str(inventory), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["applied"] is True
    assert {finding["code"] for finding in said["check"]["required"]} == {"port-25"}


def test_the_json_says_that_it_was_changed_where_the_nameservers_are_late(
    cloudflare: StandIn, on_port_53: str, inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloudflare.hold_publishing()
    assert sync.main(["example.test", "--inventory", str(inventory), "--json", "--wait", "0.3"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["applied"] is True
    assert json.loads(out)["error"] in err
    late = "example.test: changed, but after 0.3 s 2 of 2 nameserver addresses do not answer as they should"
    assert json.loads(out)["error"].startswith(late)


@pytest.mark.parametrize("form", ["--json", "text"])
def test_check_is_a_program_of_its_own_that_needs_no_token(
    cloudflare: StandIn,
    on_port_53: str,
    inventory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    form: str,
) -> None:
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": DOMAIN}))
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN")
    cloudflare.requests.clear()
    arguments = ["example.test", "--inventory", str(inventory)]
    assert check.main([*arguments, "--json"] if form == "--json" else arguments) == 2
    out, _ = capsys.readouterr()
    if form == "--json":
        assert {one["code"] for one in json.loads(out)["required"]} >= {"missing", "port-25"}
    else:
        assert "    -> python -m dns.sync example.test\n" in out
    assert cloudflare.requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense.test"], "is not in the inventory"),
        (["example.test", "--resolver", "x"], "give ADDRESS or ADDRESS#PORT"),
        (
            ["example.test", "--resolver", "127.0.0.1#99999"],
            "--resolver: '99999' is not a port from 1 to 65535",
        ),
    ],
)
def test_check_says_in_one_line_what_it_cannot_work_with(
    inventory: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert check.main([*arguments, "--inventory", str(inventory)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_how_long_caches_may_lag_is_the_ttl_of_what_changes_or_of_its_absence(
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
def test_how_long_caches_may_lag_is_not_known_where_a_question_gets_no_answer(
    cloudflare: StandIn, prepared: Prepared, nameserver: Nameserver, fault: Fault
) -> None:
    cloudflare.publish()
    nameserver.faults["mx1.example.test", "A"] = fault
    assert (
        longest_ttl((Server("ns1", nameserver.address),), from_plan(prepared.plan), nameserver.port) is None
    )


def test_a_nameserver_that_cannot_be_looked_up_is_not_left_out(nameserver: Nameserver) -> None:
    resolver = resolver_at(nameserver.resolver)
    names = ("ns1.cloudflare.test", "ns2.cloudflare.test")
    assert [server.name for server in locate_all(names, resolver).servers] == list(names)
    nameserver.faults["ns2.cloudflare.test", "*"] = "SERVFAIL"
    with pytest.raises(sync.SyncError, match=r"\(ns2\.cloudflare\.test\) cannot be asked"):
        locate_all(names, resolver)


@pytest.mark.parametrize("fault", ["SERVFAIL", "lame", "upwards"])
def test_an_answer_that_says_nothing_is_waited_for(
    prepared: Prepared, nameserver: Nameserver, fault: Fault
) -> None:
    sync.apply(prepared)
    nameserver.faults["mx1.example.test", "AAAA"] = fault
    with pytest.raises(NotServed, match=r"mx1\.example\.test AAAA: "):
        wait(prepared, nameserver, seconds=0.3)


@pytest.mark.parametrize(("address", "routed"), [("127.0.0.1", True), ("255.255.255.255", False)])
def test_an_address_without_a_route_is_not_asked(address: str, routed: bool) -> None:
    assert has_route(address) is routed
