"""letterbox.toml, for any inventory: what is read back from it is what the inventory says."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dns.inventory import Domain
from dns.inventory.host_spam_filter import SpamFilter
from provision.desired.letterbox_toml import letterbox_toml
from tests.provision.hosts import INVENTORY, WANTED

# What an inventory may hold is narrower. TOML has no surrogates, and files have no bare CR.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.lists(TEXT, max_size=4, unique=True)
DOMAINS = st.lists(
    st.builds(
        Domain,
        name=TEXT,
        mailboxes=NAMES.map(tuple),
        aliases=st.dictionaries(TEXT, NAMES.map(tuple), max_size=4),
        catch_all=st.none() | TEXT.filter(bool),
        sends_mail=st.none() | st.booleans(),
        subaddress_separators=st.text("+-=_", max_size=3),
        ttl=st.integers(1, 86_400),
    ),
    max_size=4,
    min_size=1,
    unique_by=lambda domain: domain.name,
)


def as_the_receiver_reads_it(domain: Domain) -> dict[str, Any]:
    """The table of a domain, as version 0.1.0 wrote it by hand."""
    return {
        "mailboxes": list(domain.mailboxes),
        "aliases": {name: list(targets) for name, targets in domain.aliases.items()},
        "subaddress_separators": domain.subaddress_separators,
        **({"catch_all": domain.catch_all} if domain.catch_all else {}),
    }


@given(domains=DOMAINS, hostname=TEXT, workers=st.integers(1, 64), log_headers=st.booleans())
def test_any_inventory_is_read_back_as_it_was_written(
    domains: list[Domain], hostname: str, workers: int, log_headers: bool
) -> None:
    host = replace(WANTED.host, hostname=hostname, workers=workers, log_headers=log_headers)
    assert tomllib.loads(letterbox_toml(host, domains)) == {
        "hostname": hostname,
        "mail": "/var/lib/letterbox/mail",
        "workers": workers,
        **({"log_headers": True} if log_headers else {}),
        "tls": {
            "certificate": "/etc/letterbox/tls/certificate.pem",
            "key": "/etc/letterbox/tls/key.pem",
        },
        "domains": {domain.name: as_the_receiver_reads_it(domain) for domain in domains},
    }


@given(domains=DOMAINS)
def test_the_domains_keep_the_order_of_the_inventory(domains: list[Domain]) -> None:
    read = tomllib.loads(letterbox_toml(WANTED.host, domains))
    assert list(read["domains"]) == [domain.name for domain in domains]


def test_a_host_with_a_spam_filter_names_its_socket() -> None:
    host = replace(WANTED.host, spam_filter=SpamFilter("/run/rspamd/normal.sock", refuses=True))
    read = tomllib.loads(letterbox_toml(host, INVENTORY.domains))
    assert read["spam_filter"] == {"socket": "/run/rspamd/normal.sock", "refuses": True}


def test_the_file_says_where_it_comes_from() -> None:
    text = letterbox_toml(WANTED.host, INVENTORY.domains)
    assert text.startswith("# Letterbox: the deploy writes this file from inventory.py.")
