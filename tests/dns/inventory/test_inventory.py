"""inventory.py: what is accepted, and what is said about what is not."""

from pathlib import Path
from typing import Any

import pytest

from dns.inventory import Domain, InventoryError, MailHost, from_hosts, load
from tests.dns.example import inventory_text

GOOD_HOST: dict[str, Any] = {"ssh_user": "root", "public_ipv4": "1.1.1.1", "public_ipv6": "2606:4700::1111"}
GOOD_DOMAIN: dict[str, Any] = {"mailboxes": ["alice", "bob"], "aliases": {"postmaster": ["alice"]}}


def problems(host: dict[str, Any] | None = None, domain: Any = None, domains: Any = None) -> list[str]:
    """The lines that are said about a good inventory with these changes."""
    data = {**GOOD_HOST, **(host or {})}
    data["domains"] = {"example.com": {**GOOD_DOMAIN, **(domain or {})}} if domains is None else domains
    try:
        from_hosts([("mx1.example.com", data)])
    except InventoryError as error:
        return str(error).splitlines()
    return []


def test_a_good_inventory_is_read_as_it_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "inventory.py"
    path.write_text(inventory_text({"mx1.example.com": GOOD_HOST}, {"Example.COM.": GOOD_DOMAIN}))
    inventory = load(path)
    assert inventory.hosts == (
        MailHost(
            "mx1.example.com", "mx1.example.com", "1.1.1.1", "2606:4700::1111", ssh={"ssh_user": "root"}
        ),
    )
    assert inventory.domains == (
        Domain("example.com", ("alice", "bob"), {"postmaster": ("alice",)}, None, None, "+", 1),
    )
    assert inventory.domain("EXAMPLE.com") is inventory.domains[0]


def test_tls_reports_and_caa_are_read_as_uris_and_names() -> None:
    domain = {**GOOD_DOMAIN, "tls_reports": ["tls@x.org", "https://x.org/r"], "caa": "LetsEncrypt.org"}
    (read,) = from_hosts([("mx1.example.com", {"domains": {"example.com": domain}})]).domains
    assert read.tls_reports == ("mailto:tls@x.org", "https://x.org/r")
    assert read.caa == ("letsencrypt.org",)


def test_an_idn_is_brought_to_a_labels() -> None:
    inventory = from_hosts([("mx.bücher.example", {"domains": {"Bücher.example": GOOD_DOMAIN}})])
    assert inventory.hosts[0].hostname == "mx.xn--bcher-kva.example"
    assert inventory.domains[0].name == "xn--bcher-kva.example"
    assert inventory.domain("bücher.example").name == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (
            {"public_ipv4": "10.0.0.1"},
            "public_ipv4 10.0.0.1 is a private address, which the world cannot reach",
        ),
        ({"public_ipv4": "203.0.113.25"}, "is an example address from documentation"),
        ({"public_ipv6": "fe80::1"}, "is a link-local address"),
        ({"public_ipv4": "2606:4700::1"}, "is not an IPv4 address"),
        ({"public_ipv4": "1.2.3"}, "is not an IPv4 address"),
        ({"public_ipv4": 16843009}, "is not an IPv4 address"),
        ({"public_ipv6": True}, "or set it to False if the host has none"),
        ({"public_ipv6": 0}, "is not an IPv6 address"),
        ({"public_ipv6": ""}, "is not an IPv6 address"),
        ({"public_ipv4": False, "public_ipv6": False}, "are both False: a mail host needs one of them"),
        ({"ssh_port": 99999}, "ssh_port must be a whole number from 1 to 65535, not 99999"),
        ({"ssh_port": 0}, "ssh_port must be a whole number"),
        ({"ssh_port": "x"}, "ssh_port must be a whole number"),
        ({"hostname": ".".join(["b" * 60] * 4) + ".test"}, "more than 253: it may have at most 244"),
        ({7: 8}, "unknown key 7"),
        ({"mx_preference": 65536}, "mx_preference must be a whole number from 0 to 65535, not 65536"),
        ({"mx_preference": True}, "mx_preference must be a whole number"),
        ({"workers": 0}, "workers must be a whole number from 1 to 64, not 0"),
        ({"workers": 65}, "workers must be a whole number from 1 to 64, not 65"),
        ({"workers": "2"}, "workers must be a whole number from 1 to 64, not '2'"),
        ({"workers": True}, "workers must be a whole number"),
        ({"log_headers": "yes"}, "log_headers must be True or False, not 'yes'"),
        ({"hostname": "mx1"}, "hostname 'mx1' has only one label"),
        ({"hostname": "mx_1.example.com"}, "hostname 'mx_1.example.com' is not a domain name"),
        ({"hostname": "1.1.1.1"}, "ends in a number"),
        ({"mx_prefernce": 5}, "unknown key mx_prefernce (did you mean mx_preference?)"),
        ({"firewalld_zones": "public"}, "firewalld_zones must be a list"),
        ({"allow_private_address": "yes"}, "allow_private_address must be True or False"),
    ],
)
def test_a_wrong_host_is_said_in_one_line(host: dict[str, Any], said: str) -> None:
    (line,) = problems(host=host)
    assert line.startswith("inventory: host mx1.example.com: ")
    assert said in line


@pytest.mark.parametrize(
    ("domain", "said"),
    [
        ({"mailboxes": ["alice", "a b"]}, "mailbox 'a b' is not a mailbox name"),
        ({"tls_reports": "nonsense"}, "tls_reports 'nonsense' is neither an e-mail address nor"),
        ({"tls_reports": ["a@b.org, c@d.org"]}, "is neither an e-mail address nor"),
        ({"caa": ["let's encrypt"]}, "name the authority as in letsencrypt.org"),
        ({"caa": {"issue": "x.org"}}, "caa must be a list"),
        ({"mailboxes": ["alice", "../x"]}, "mailbox '../x' is not a mailbox name"),
        ({"mailboxes": ["alice", "bob@example.com"]}, "holds an @"),
        ({"mailboxes": ["alice", "Alice"]}, "mailbox 'Alice' is named twice"),
        ({"mailboxes": "alice", "aliases": {"postmaster": ["x@example.org"]}}, "mailboxes must be a list"),
        ({"mailboxes": ["alice", 7]}, "mailbox 7 is not a mailbox name"),
        (
            {"aliases": {"info": ["carol"]}},
            "alias info: its target carol@example.com is neither a mailbox nor an alias",
        ),
        ({"aliases": {"info": ["x@example.org"]}}, "its target x@example.org is neither a mailbox"),
        (
            {"aliases": {"a": ["b"], "b": ["a"]}},
            "alias a: leads back to itself (a@example.com -> b@example.com",
        ),
        ({"aliases": {"a": []}}, "alias a must lead to a list"),
        ({"aliases": {"alice": ["bob"]}}, "alias alice is a mailbox too"),
        ({"catch_all": "carol"}, "catch_all 'carol' is not one of its mailboxes"),
        ({"catchall": "alice"}, "unknown key catchall (did you mean catch_all?)"),
        ({"sends_mail": "no"}, "sends_mail must be True or False"),
        ({"ttl": 59}, "ttl must be 1 (automatic) or 60 to 86400 seconds, not 59"),
        ({"ttl": 86401}, "ttl must be 1"),
        ({"subaddress_separators": "@"}, "subaddress_separators must be a string"),
    ],
)
def test_a_wrong_domain_is_said(domain: dict[str, Any], said: str) -> None:
    lines = problems(domain=domain)
    assert any(said in line for line in lines), lines
    assert all(line.startswith("inventory: domain example.com: ") for line in lines)


@pytest.mark.parametrize(
    ("domains", "said"),
    [
        ({}, 'no domain: add "domains"'),
        (["example.com"], "domains must be a dict"),
        ({"example": GOOD_DOMAIN}, "domain example: has only one label"),
        ({"exa mple.com": GOOD_DOMAIN}, "is not a domain name"),
        ({"example.com": []}, "must be a dict"),
        ({"example.com": {}}, "has no mailbox"),
        ({"example.com": GOOD_DOMAIN, "EXAMPLE.com": GOOD_DOMAIN}, "is named twice"),
    ],
)
def test_wrong_domains_are_said_in_one_line(domains: Any, said: str) -> None:
    (line,) = problems(domains=domains)
    assert said in line


def named(characters: int) -> str:
    """A domain name of so many characters."""
    name = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    return name[len(name) - characters :]


@pytest.mark.parametrize(
    ("characters", "keys", "most"),
    [
        (247, {"sends_mail": False}, "with _dmarc. before it more than 253: it may have at most 246"),
        (
            243,
            {"tls_reports": "tls@example.org"},
            "with _smtp._tls. before it more than 253: it may have at most 242",
        ),
        (253, {"sends_mail": False}, "at most 246"),
    ],
)
def test_a_domain_too_long_for_what_is_published_below_it_is_refused_with_the_limit(
    characters: int, keys: dict[str, Any], most: str
) -> None:
    (line,) = problems(domains={named(characters): {**GOOD_DOMAIN, **keys}})
    assert f"has {characters} characters" in line
    assert most in line


@pytest.mark.parametrize(
    ("characters", "keys"),
    [
        (246, {"sends_mail": False}),
        (242, {"tls_reports": "tls@example.org"}),
        (253, {"sends_mail": True}),
        (253, {}),
    ],
)
def test_a_domain_of_the_greatest_length_passes(characters: int, keys: dict[str, Any]) -> None:
    assert problems(domains={named(characters): {**GOOD_DOMAIN, **keys}}) == []


@pytest.mark.parametrize(("characters", "passes"), [(244, True), (245, False)])
def test_a_mail_hosts_name_leaves_room_for_its_tlsa(characters: int, passes: bool) -> None:
    assert (problems(host={"hostname": named(characters)}) == []) is passes


@pytest.mark.parametrize(
    ("said", "versions"), [({"public_ipv6": False}, {4}), ({"public_ipv4": False}, {6}), ({}, {4, 6})]
)
def test_a_host_may_have_one_ip_version_alone(said: dict[str, Any], versions: set[int]) -> None:
    data = {**GOOD_HOST, **said, "domains": {"example.com": GOOD_DOMAIN}}
    (host,) = from_hosts([("mx1.example.com", data)]).hosts
    assert host.ip_versions == versions
    assert (host.ipv4 is None, host.ipv6 is None) == (4 not in versions, 6 not in versions)


def test_an_address_beside_one_that_is_not_there_may_be_left_out() -> None:
    data = {"public_ipv6": False, "domains": {"example.com": GOOD_DOMAIN}}
    (host,) = from_hosts([("mx1.example.com", data)]).hosts
    assert (host.ipv4, host.ipv6, host.ip_versions) == (None, None, {4})


def test_every_problem_is_reported_at_once() -> None:
    lines = problems(
        host={"public_ipv4": "10.0.0.1", "mx_preference": -1}, domain={"ttl": 5, "catch_all": "nobody"}
    )
    assert len(lines) == 4


def test_a_private_address_passes_where_it_is_allowed() -> None:
    assert problems(host={"public_ipv4": "10.0.0.1", "allow_private_address": True}) == []


def test_pyinfras_own_keys_pass() -> None:
    assert problems(host={"ssh_port": 2222, "_sudo": True, "docker_identifier": "x"}) == []


def test_an_alias_may_lead_to_another_served_domain() -> None:
    domains = {"example.com": GOOD_DOMAIN, "example.org": {"aliases": {"postmaster": ["alice@Example.com"]}}}
    assert problems(domains=domains) == []


def test_two_hosts_may_not_have_one_hostname_nor_different_domains() -> None:
    data = {**GOOD_HOST, "domains": {"example.com": GOOD_DOMAIN}}
    other = {"hostname": "mx1.example.com", "domains": {"example.org": GOOD_DOMAIN}}
    with pytest.raises(InventoryError) as said:
        from_hosts([("mx1.example.com", data), ("mx2.example.com", other)])
    first, second = str(said.value).splitlines()
    assert "hostname mx1.example.com is that of host mx1.example.com too" in first
    assert "its domains differ" in second


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mail_hosts = [", "inventory.py: line 1: "),
        ("x = 1\nmail_hosts = [undefined]", "inventory.py: line 2: NameError"),
        ("hosts = ['mx1.example.com']", "has no group mail_hosts (it has hosts)"),
        ("mail_hosts = []", "mail_hosts has no host"),
        ("mail_hosts = ([7], {})", "7 is not a host"),
        ("mail_hosts = 7", "has no group mail_hosts"),
        ("mail_hosts = ('mx1.example.com', {})", "must be a list of hosts"),
    ],
)
def test_a_file_that_is_no_inventory_is_said_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "inventory.py"
    path.write_text(text)
    with pytest.raises(InventoryError) as error:
        load(path)
    assert said in str(error.value).splitlines()[0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="there is no such file"):
        load(tmp_path / "inventory.py")


def test_an_unknown_domain_is_said_with_the_nearest_known() -> None:
    inventory = from_hosts([("mx1.example.com", {**GOOD_HOST, "domains": {"example.com": GOOD_DOMAIN}})])
    with pytest.raises(InventoryError, match=r"did you mean example\.com\?"):
        inventory.domain("exmaple.com")
