"""No answer is not an answer: what a lookup did not say is neither there, nor missing, nor right."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dns import check, check_text, delegation
from dns.findings import Finding, exit_code
from dns.inventory import load
from dns.located import Server
from dns.mail_hosts_seen import address_seen
from dns.vantage import Rows
from tests.dns import world as loopback
from tests.dns.conftest import DOMAIN, OURS, inventory_text
from tests.dns.nameserver import Fault
from tests.dns.test_check import DS, sign
from tests.dns.world import MAIL4, NS1, REFERENCE, REGISTRY, SOA, World
from tests.lab.cloudflare import StandIn

FAULTS: dict[Fault, str] = {
    "SERVFAIL": "SERVFAIL",
    "REFUSED": "REFUSED",
    "NOTAUTH": "NOTAUTH",
    "FORMERR": "FORMERR",
    "NOTIMP": "NOTIMP",
    "lame": "not authoritative",
    "upwards": "sends the asker on to the nameservers of the root",
    "drop": "no answer (Timeout)",
    "cut short": "cut short over UDP, and over TCP EOFError",
}
QUICK = [fault for fault in FAULTS if fault not in ("drop", "cut short")]
ALL: tuple[str, str] = ("*", "*")
RICH: dict[str, Any] = {
    **DOMAIN,
    "sends_mail": False,
    "tls_reports": ["tls@example.org"],
    "caa": ["letsencrypt.org"],
}
POLICIES: tuple[dict[str, Any], ...] = (
    {"type": "TXT", "name": "@", "content": "v=spf1 -all"},
    {"type": "TXT", "name": "_dmarc", "content": "v=DMARC1; p=reject"},
    {"type": "TXT", "name": "_smtp._tls", "content": "v=TLSRPTv1; rua=mailto:tls@example.org"},
    {"type": "CAA", "name": "@", "data": {"flags": 0, "tag": "issue", "value": "letsencrypt.org"}},
)
QUESTIONS = [
    ("example.test", "MX"),
    ("mx1.example.test", "A"),
    ("mx1.example.test", "AAAA"),
    ("example.test", "TXT"),
    ("_dmarc.example.test", "TXT"),
    ("_smtp._tls.example.test", "TXT"),
    ("example.test", "CAA"),
]


def found(world: World, inventory: Path, domain: str = "example.test", **more: Any) -> list[Finding]:
    """What is found."""
    read = load(inventory)
    return check.examine(read, read.domain(domain), {}, **{"where": world.where, **more})[1]


def codes(findings: list[Finding]) -> list[tuple[str, str]]:
    """The groups and codes."""
    return [(finding.group, finding.code) for finding in findings]


def delegating(world: World, *lines: str) -> None:
    """The registry with these records in place of the domain's delegation."""
    world.registry.zones["test"] = f"{SOA}@ 60 NS a.registry.test.\n" + "".join(f"{x}\n" for x in lines)


@pytest.fixture
def rich(world: World, cloudflare: StandIn, inventory: Path) -> World:
    """The world, with a domain that has every record that can be asked for."""
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": RICH}))
    cloudflare.seed("example.test", *POLICIES)
    return world


class TestNameserversThatDoNotAnswer:
    """What the zone's own nameservers do not answer is required, with the name and the answer."""

    def test_with_every_record_there_all_is_right(self, rich: World, inventory: Path) -> None:
        assert found(rich, inventory) == []

    @pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
    def test_one_question_that_no_nameserver_answers_is_one_finding(
        self, rich: World, inventory: Path, question: tuple[str, str]
    ) -> None:
        for server in rich.ns:
            server.faults[question] = "SERVFAIL"
        (finding,) = found(rich, inventory)
        assert (finding.group, finding.code) == ("required", "nameserver-silent")
        assert (finding.name, finding.type) == question
        assert finding.problem.startswith(f"{question[0]} {question[1]}: is not answered by ")
        assert finding.problem.endswith("(of 3, none does): SERVFAIL")

    @pytest.mark.parametrize("fault", FAULTS)
    def test_however_the_mail_hosts_addresses_fail_it_is_one_finding_with_the_answer(
        self, world: World, inventory: Path, fault: Fault
    ) -> None:
        for server in world.ns:
            server.faults["mx1.example.test", "*"] = fault
        (finding,) = found(world, inventory)
        assert finding.problem.startswith("mx1.example.test A and AAAA: is not answered by ")
        assert FAULTS[fault] in finding.problem
        assert exit_code([finding]) == 2

    @pytest.mark.parametrize("fault", [*QUICK, "drop"])
    def test_one_nameserver_that_fails_is_named_and_the_others_are_judged(
        self, world: World, inventory: Path, fault: Fault
    ) -> None:
        world.ns[0].faults[ALL] = fault
        (finding,) = found(world, inventory)
        assert finding.code == "nameserver-silent"
        assert finding.problem.startswith(f"ns1.cloudflare.test ({NS1}): does not answer for example.test")
        assert FAULTS[fault] in finding.problem

    def test_beside_one_that_fails_a_missing_record_is_found_by_the_others(
        self, world: World, cloudflare: StandIn, inventory: Path
    ) -> None:
        world.ns[0].faults[ALL] = "REFUSED"
        records = cloudflare.zones["example.test"].records
        for key in [key for key, record in records.items() if record["type"] == "AAAA"]:
            del records[key]
        cloudflare.publish()
        assert codes(found(world, inventory)) == [("required", "nameserver-silent"), ("required", "missing")]

    @pytest.mark.parametrize("fault", [*QUICK, "cut short"])
    def test_nameservers_that_all_fail_alike_are_one_finding(
        self, rich: World, inventory: Path, fault: Fault
    ) -> None:
        for server in rich.ns:
            server.faults[ALL] = fault
        (finding,) = found(rich, inventory)
        assert "(of 3, none does)" in finding.problem
        assert FAULTS[fault] in finding.problem

    def test_a_server_that_does_not_know_edns_is_asked_without_it(
        self, world: World, inventory: Path
    ) -> None:
        for server in (world.root, world.registry, *world.ns):
            server.knows_edns = False
        assert found(world, inventory) == []

    def test_the_summary_counts_answers(self, world: World, inventory: Path) -> None:
        world.ns[0].faults[ALL] = "REFUSED"
        read = load(inventory)
        seen, findings = check.examine(read, read.domain("example.test"), {}, where=world.where)
        assert "(answered: 2 of 3 nameserver addresses, 1 resolvers," in check_text.summary(seen, findings)
        said = check_text.plain(seen, findings)["nameservers"]
        assert [one["answered"] for one in said] == [False, True, True]  # type: ignore[attr-defined]


class TestDelegationBelowTheZone:
    """A mail host that is delegated away below the zone is seen where the delegation leads."""

    @pytest.fixture(autouse=True)
    def delegated(self, world: World, zones_dir: Path) -> None:
        path = zones_dir / "example.test.zone"
        kept = [line for line in path.read_text().splitlines() if not line.startswith("mx1.")]
        path.write_text("\n".join([*kept, "mx1.example.test. 60 IN NS a.registry.test.", ""]))

    def test_where_nobody_answers_for_it_it_is_required_once(self, world: World, inventory: Path) -> None:
        (finding,) = found(world, inventory)
        assert (finding.group, finding.code) == ("required", "shadowed")
        assert (finding.name, finding.type) == ("mx1.example.test", "A")
        assert "delete the NS records of mx1.example.test" in finding.mend

    def test_where_the_records_are_there_it_is_advised(self, world: World, inventory: Path) -> None:
        zone = f"{SOA}@ 60 NS a.registry.test.\n@ 60 A {MAIL4}\n@ 60 AAAA ::1\n"
        world.registry.zones["mx1.example.test"] = zone
        assert codes(found(world, inventory)) == [("advised", "shadowed")]

    def test_where_other_records_are_there_it_is_required(self, world: World, inventory: Path) -> None:
        zone = f"{SOA}@ 60 NS a.registry.test.\n@ 60 A 192.0.2.9\n@ 60 AAAA ::1\n"
        world.registry.zones["mx1.example.test"] = zone
        assert codes(found(world, inventory)) == [("required", "shadowed")]


class TestSignatures:
    """Keys and DS records: the next is asked, and where none answers it is unknown."""

    @pytest.fixture
    def signed(self, world: World, zones_dir: Path) -> World:
        sign(zones_dir)
        world.registry.zones["test"] = f"{loopback.REGISTRY_ZONE}example.test. 60 DS {DS}\n"
        return world

    @pytest.mark.parametrize("fault", QUICK)
    def test_one_nameserver_that_fails_for_the_keys_alone_changes_nothing(
        self, signed: World, inventory: Path, fault: Fault
    ) -> None:
        signed.ns[0].faults["example.test", "DNSKEY"] = fault
        assert found(signed, inventory) == []

    def test_beside_a_lame_nameserver_the_keys_are_those_of_the_others(
        self, signed: World, inventory: Path
    ) -> None:
        signed.ns[0].faults[ALL] = "REFUSED"
        assert codes(found(signed, inventory)) == [("required", "nameserver-silent")]

    @pytest.mark.parametrize("fault", QUICK)
    def test_keys_that_no_nameserver_tells_are_unknown_and_no_ds_is_to_be_deleted(
        self, signed: World, inventory: Path, fault: Fault
    ) -> None:
        for server in signed.ns:
            server.faults["example.test", "DNSKEY"] = fault
        (finding,) = found(signed, inventory)
        assert (finding.group, finding.code) == ("unknown", "ds")
        assert FAULTS[fault] in finding.problem
        assert "delete" not in finding.mend
        assert exit_code([finding]) == 1

    def test_a_nameserver_with_an_unsigned_copy_of_the_zone_is_named(
        self, signed: World, inventory: Path, tmp_path: Path, zones_dir: Path
    ) -> None:
        old = tmp_path / "old"
        old.mkdir()
        text = (zones_dir / "example.test.zone").read_text()
        unsigned = "".join(line for line in text.splitlines(keepends=True) if "DNSKEY" not in line)
        (old / "example.test.zone").write_text(unsigned)
        signed.ns[0].folder = old
        (finding,) = found(signed, inventory)
        assert (finding.group, finding.code) == ("required", "unsigned")
        assert finding.problem.startswith(f"ns1.cloudflare.test ({NS1}): has no keys")

    @pytest.mark.parametrize("fault", QUICK)
    def test_a_ds_that_the_parent_does_not_tell_is_unknown(
        self, world: World, inventory: Path, fault: Fault
    ) -> None:
        world.registry.faults["example.test", "DS"] = fault
        (finding,) = found(world, inventory)
        assert (finding.group, finding.code) == ("unknown", "ds")

    def test_a_wrong_ds_is_one_finding_though_resolvers_refuse_all(
        self, signed: World, inventory: Path
    ) -> None:
        signed.registry.zones["test"] = f"{loopback.REGISTRY_ZONE}example.test. 60 DS {DS[:-4]}0000\n"
        for name, kind in QUESTIONS[:3]:
            signed.resolver.faults[name, kind] = "bogus"
        at = Server("resolver", signed.resolver.address)
        findings = found(signed, inventory, where=replace(signed.where, resolvers=(at,) * 4))
        assert codes(findings) == [("required", "ds")]

    def test_signatures_that_resolvers_refuse_are_one_finding(self, signed: World, inventory: Path) -> None:
        signed.resolver.faults["example.test", "MX"] = "bogus"
        at = Server("resolver", signed.resolver.address)
        findings = found(signed, inventory, where=replace(signed.where, resolvers=(at,) * 4))
        assert codes(findings) == [("required", "bogus")]

    def test_a_resolver_that_fails_for_another_reason_is_not_said_to_refuse_signatures(
        self, signed: World, inventory: Path
    ) -> None:
        signed.resolver.faults["example.test", "MX"] = "SERVFAIL"
        assert codes(found(signed, inventory)) == [("unknown", "resolver")]


class TestThisNetworkAlone:
    """What only this vantage point saw is unknown: exit 1, and nothing is to be deleted."""

    def test_port_25_that_this_network_refuses_to_everybody_is_one_unknown(
        self, world: World, inventory: Path
    ) -> None:
        for host in world.mail:
            host.close()
        (finding,) = found(world, inventory)
        assert (finding.group, finding.code) == ("unknown", "port-25")
        assert finding.problem.count("mx1.example.test") == 2  # both addresses
        assert "barred from here" in finding.problem

    def test_a_relay_that_catches_every_connection_is_one_unknown(
        self, world: World, inventory: Path
    ) -> None:
        for host in world.mail:
            host.greeting = "220 relay.isp.test ESMTP"
        (finding,) = found(world, inventory)
        assert (finding.group, finding.code) == ("unknown", "port-25")
        assert "relay.isp.test answers in place of the host" in finding.problem

    @pytest.mark.parametrize("greeting", ["", "554 relay.isp.test no", "220 ***************"])
    def test_whatever_else_answers_in_place_of_all_is_unknown(
        self, world: World, inventory: Path, greeting: str
    ) -> None:
        for host in world.mail:
            host.greeting = greeting
        assert codes(found(world, inventory)) == [("unknown", "port-25")]

    def test_a_refusal_counts_where_others_are_reached(self, world: World, inventory: Path) -> None:
        for host in world.mail[:2]:
            host.close()
        assert codes(found(world, inventory)) == [("required", "port-25")] * 2

    def test_without_anybody_to_compare_with_a_refusal_is_unknown(
        self, world: World, inventory: Path
    ) -> None:
        world.mail[0].close()
        findings = found(world, inventory, where=replace(world.where, references=()))
        assert codes(findings) == [("unknown", "port-25")]

    def test_a_reference_whose_name_cannot_be_looked_up_proves_nothing(
        self, world: World, inventory: Path
    ) -> None:
        world.mail[0].close()
        world.resolver.faults[REFERENCE, "*"] = "SERVFAIL"
        assert codes(found(world, inventory)) == [("unknown", "port-25")]

    def test_where_another_answers_for_the_root_wrong_records_are_unknown(
        self, world: World, cloudflare: StandIn, inventory: Path
    ) -> None:
        world.root.offers_recursion = True
        cloudflare.seed("example.test", {"type": "A", "name": "mx1", "content": "192.0.2.9"})
        findings = found(world, inventory)
        assert codes(findings) == [("unknown", "delegation"), ("unknown", "address-surplus")]
        assert all("--replace" not in finding.mend for finding in findings)
        assert exit_code(findings) == 1

    @pytest.fixture
    def elsewhere(self, world: World, cloudflare: StandIn, inventory: Path) -> Path:
        """A domain whose mail host is named in another zone."""
        inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"other.test": DOMAIN}))
        mx = {"type": "MX", "name": "@", "content": "mx1.example.test", "priority": 10}
        cloudflare.seed("other.test", mx)
        return inventory

    def test_a_resolver_that_rewrites_a_host_of_another_zone_is_overruled_by_that_zone(
        self, world: World, elsewhere: Path
    ) -> None:
        world.resolver.hosts = {"mx1.example.test": "10.9.9.9"}
        assert found(world, elsewhere, "other.test") == []

    def test_a_host_of_another_zone_whose_zone_cannot_be_reached_is_unknown_by_a_resolver(
        self, world: World, elsewhere: Path
    ) -> None:
        world.resolver.hosts = {"mx1.example.test": "10.9.9.9"}
        for server in world.ns:
            server.folder = None
        world.registry.faults["mx1.example.test", "*"] = "REFUSED"
        world.root.offers_recursion = True
        findings = found(world, elsewhere, "other.test")
        assert {finding.group for finding in findings} == {"unknown"}
        assert all(finding.mend != "delete this record" for finding in findings)

    @pytest.mark.parametrize("fault", QUICK)
    def test_a_host_of_another_zone_that_its_own_nameservers_do_not_answer_is_required(
        self, world: World, elsewhere: Path, fault: Fault
    ) -> None:
        for server in world.ns:
            server.faults["mx1.example.test", "A"] = fault
        (finding,) = found(world, elsewhere, "other.test")
        assert (finding.group, finding.code) == ("required", "nameserver-silent")
        assert "mx1.example.test A: is not answered by the nameservers of its zone" in finding.problem
        assert FAULTS[fault] in finding.problem

    def test_a_host_of_a_domain_that_nobody_registered_has_no_address(
        self, world: World, elsewhere: Path
    ) -> None:
        delegating(world, *(f"other.test. 60 NS ns{n}.cloudflare.test." for n in (1, 2)))
        assert codes(found(world, elsewhere, "other.test")) == [("required", "no-address")]


class TestTheWayFromTheRoot:
    """The true cause, and one finding for it."""

    def test_nameservers_that_refer_upwards_are_named_with_that(self, world: World, inventory: Path) -> None:
        for server in world.ns:
            server.faults[ALL] = "upwards"
        (finding,) = found(world, inventory)
        assert finding.code == "nameserver-silent"
        assert "sends the asker on to the nameservers of the root" in finding.problem

    @pytest.mark.parametrize("fault", QUICK)
    def test_a_lame_server_of_the_registry_is_passed_over(
        self, world: World, inventory: Path, fault: Fault
    ) -> None:
        glue = f"a.registry.test. 60 A {REGISTRY}\nns1.cloudflare.test. 60 A {NS1}\n"
        servers = "test. 60 NS ns1.cloudflare.test.\ntest. 60 NS a.registry.test.\n"
        world.root.zones["."] = f"{SOA}@ 60 NS a.nic.test.\n{servers}{glue}"
        world.ns[0].faults["example.test", "NS"] = world.ns[0].faults["example.test", "DS"] = fault
        place = delegation.find("example.test", world.where.resolver, port=world.root.port)
        assert (place.zone, place.parent) == ("example.test", "test")
        assert place.ds == frozenset()

    def test_a_server_of_the_registry_that_is_behind_is_outvoted_by_a_referral(
        self, world: World, inventory: Path
    ) -> None:
        glue = f"a.registry.test. 60 A {REGISTRY}\nns1.cloudflare.test. 60 A {NS1}\n"
        servers = "test. 60 NS ns1.cloudflare.test.\ntest. 60 NS a.registry.test.\n"
        world.root.zones["."] = f"{SOA}@ 60 NS a.nic.test.\n{servers}{glue}"
        world.ns[0].zones["test"], world.ns[0].folder = f"{SOA}@ 60 NS a.registry.test.\n", None
        place = delegation.find("example.test", world.where.resolver, port=world.root.port)
        assert place.nameservers == ("ns1.cloudflare.test", "ns2.cloudflare.test")

    def test_a_nameserver_in_the_zone_without_glue_is_the_one_finding(
        self, world: World, inventory: Path
    ) -> None:
        delegating(world, "example.test. 60 NS ns1.example.test.", "example.test. 60 NS ns2.example.test.")
        (finding,) = found(world, inventory)
        assert (finding.group, finding.code) == ("required", "glue")
        assert "ns1.example.test and ns2.example.test" in finding.mend

    def test_glue_that_one_of_several_lacks_is_advised(
        self, world: World, cloudflare: StandIn, inventory: Path
    ) -> None:
        cloudflare.seed("example.test", {"type": "A", "name": "ns1", "content": NS1})
        delegating(world, "example.test. 60 NS ns1.example.test.", "example.test. 60 NS ns1.cloudflare.test.")
        assert ("advised", "glue") in codes(found(world, inventory))
        assert exit_code(found(world, inventory)) == 0

    def test_a_nameserver_in_the_zone_with_glue_is_asked_there(self, world: World, inventory: Path) -> None:
        delegating(world, "example.test. 60 NS ns1.example.test.", f"ns1.example.test. 60 A {NS1}")
        assert codes(found(world, inventory)) == [("advised", "nameservers-differ")]

    def test_a_nameserver_that_the_resolver_cannot_look_up_is_found_from_the_root(
        self, world: World, inventory: Path
    ) -> None:
        delegating(world, "example.test. 60 NS ns.dns.test.", "dns.test. 60 NS ns1.cloudflare.test.")
        world.ns[0].zones["dns.test"] = f"{SOA}@ 60 NS ns1.cloudflare.test.\nns 60 A {NS1}\n"
        world.resolver.faults["ns.dns.test", "*"] = "SERVFAIL"
        assert codes(found(world, inventory)) == [("advised", "nameservers-differ")]

    def test_a_nameserver_without_an_address_is_required_by_the_word_of_its_own_zone(
        self, world: World, inventory: Path
    ) -> None:
        delegating(world, "example.test. 60 NS ns.dns.test.", "dns.test. 60 NS ns1.cloudflare.test.")
        world.ns[0].zones["dns.test"] = f"{SOA}@ 60 NS ns1.cloudflare.test.\n"
        assert codes(found(world, inventory)) == [("required", "nameserver-address")]

    def test_a_nameserver_whose_address_nobody_tells_is_unknown(self, world: World, inventory: Path) -> None:
        delegating(world, "example.test. 60 NS ns.dns.test.", "dns.test. 60 NS ns1.cloudflare.test.")
        (finding,) = found(world, inventory)  # dns.test is delegated to a server that does not have it
        assert (finding.group, finding.code) == ("unknown", "nameservers")
        assert "ns.dns.test cannot be looked up" in finding.problem

    @pytest.mark.parametrize("together", [True, False], ids=["on one server", "on another server"])
    def test_an_unregistered_name_below_a_registry_that_is_a_zone_of_its_own_is_one_finding(
        self, world: World, inventory: Path, together: bool
    ) -> None:
        name = "shop.co.test"
        inventory.write_text(inventory_text({f"mx1.{name}": OURS}, {name: DOMAIN}))
        delegating(world, f"co.test. 60 NS {'a.registry' if together else 'ns1.cloudflare'}.test.")
        (world.registry if together else world.ns[0]).zones["co.test"] = f"{SOA}@ 60 NS a.registry.test.\n"
        world.mail[0].greeting = world.mail[1].greeting = f"220 mx1.{name} ESMTP"
        (finding,) = found(world, inventory, name)
        assert (finding.group, finding.code) == ("required", "delegation")
        assert finding.problem == f"{name}: the nameservers of co.test say that there is no such name"
        assert finding.mend.startswith(f"register {name}")

    def test_a_name_in_a_zone_of_ours_that_has_nothing_yet_is_missing_its_records(
        self, world: World, inventory: Path
    ) -> None:
        inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"lists.example.test": DOMAIN}))
        named = ("ns1.cloudflare.test", "ns2.cloudflare.test")
        findings = found(world, inventory, "lists.example.test", nameservers=named)
        assert [finding.code for finding in findings] == ["missing"]
        assert findings[0].mend == "python -m dns.sync lists.example.test"

    def test_a_registry_that_holds_parent_and_child_is_followed_to_the_child(
        self, world: World, inventory: Path
    ) -> None:
        world.root.zones["test"] = loopback.REGISTRY_ZONE  # as where one server has the root and a registry
        assert found(world, inventory) == []

    def test_wrong_nameservers_at_the_registrar_are_the_one_finding(
        self, world: World, inventory: Path
    ) -> None:
        delegating(world, "example.test. 60 NS a.registry.test.")  # which does not have the zone
        meant = ("ns1.cloudflare.test", "ns2.cloudflare.test")
        assert codes(found(world, inventory, nameservers=meant)) == [("required", "delegation")]


class TestResolvers:
    """Resolvers that give no answer are no proof that the world sees what the nameservers say."""

    def test_resolvers_that_all_fail_are_a_finding_and_none_is_counted(
        self, world: World, inventory: Path
    ) -> None:
        for question in QUESTIONS[:3]:
            world.resolver.faults[question] = "REFUSED"
        read = load(inventory)
        where = replace(world.where, resolvers=world.where.resolvers * 3)
        seen, findings = check.examine(read, read.domain("example.test"), {}, where=where)
        assert codes(findings) == [("unknown", "resolver")]
        assert "0 of 3 resolvers" in check_text.summary(seen, findings)
        assert check_text.plain(seen, findings)["resolvers"] == []

    def test_one_resolver_that_fails_beside_another_is_a_remark(self, world: World, inventory: Path) -> None:
        read = load(inventory)
        both = (Server("resolver", world.resolver.address), Server("resolver", "127.83.0.99"))
        seen, findings = check.examine(
            read, read.domain("example.test"), {}, where=replace(world.where, resolvers=both)
        )
        assert findings == []
        assert "no answer came from resolvers: 127.83.0.99" in check_text.remarks(seen)

    @pytest.mark.parametrize("fault", QUICK[:-2])
    def test_a_resolver_that_does_not_answer_one_question_has_no_old_answers(
        self, world: World, inventory: Path, fault: Fault
    ) -> None:
        world.resolver.faults["example.test", "MX"] = fault
        (finding,) = found(world, inventory)
        assert (finding.group, finding.code) == ("unknown", "resolver")
        assert FAULTS[fault] in finding.problem

    def test_a_server_that_refers_in_place_of_resolving_has_no_old_answers(
        self, world: World, inventory: Path
    ) -> None:
        world.resolver.faults["example.test", "MX"] = "upwards"
        assert codes(found(world, inventory)) == [("unknown", "resolver")]


@pytest.mark.parametrize("fault", QUICK[:5])
def test_a_reverse_name_whose_lookup_failed_is_unknown(world: World, fault: Fault) -> None:
    reverse = f"{SOA}25.0.83.127.in-addr.arpa. 60 PTR mx1.example.test.\n"
    world.resolver.zones["127.in-addr.arpa"] = reverse
    where = world.where
    assert address_seen("mx1.example.test", MAIL4, where, Rows(print)).pointers == {
        "mx1.example.test": frozenset({MAIL4})
    }
    world.resolver.faults["mx1.example.test", "A"] = fault
    place = address_seen("mx1.example.test", MAIL4, where, Rows(print))
    assert place.pointers == {"mx1.example.test": None}
    assert not place.reverse_is_known
    world.resolver.faults["25.0.83.127.in-addr.arpa", "PTR"] = fault
    assert address_seen("mx1.example.test", MAIL4, where, Rows(print)).pointers is None
