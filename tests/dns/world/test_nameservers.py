"""Locating nameservers with a resolver."""

from __future__ import annotations

import pytest

from dns import sync
from dns.world.nameservers import has_route, locate_all
from dns.world.resolvers import resolver_at
from tests.dns.loopback.nameserver import Nameserver


@pytest.mark.parametrize("text", ["nonsense", "1.1.1.1#x", "1.1.1.1#99999", "1.1.1.1#0", "1.1.1.1#"])
def test_a_resolver_that_is_not_an_address_is_reported(text: str) -> None:
    with pytest.raises(sync.SyncError, match="give ADDRESS or ADDRESS#PORT"):
        resolver_at(text)


def test_a_nameserver_that_cannot_be_looked_up_is_not_left_out(nameserver: Nameserver) -> None:
    resolver = resolver_at(nameserver.resolver)
    names = ("ns1.cloudflare.test", "ns2.cloudflare.test")
    assert [server.name for server in locate_all(names, resolver).servers] == list(names)
    nameserver.faults["ns2.cloudflare.test", "*"] = "SERVFAIL"
    with pytest.raises(sync.SyncError, match=r"\(ns2\.cloudflare\.test\) cannot be asked"):
        locate_all(names, resolver)


@pytest.mark.parametrize(("address", "routed"), [("127.0.0.1", True), ("255.255.255.255", False)])
def test_an_address_without_a_route_is_not_asked(address: str, routed: bool) -> None:
    assert has_route(address) is routed
