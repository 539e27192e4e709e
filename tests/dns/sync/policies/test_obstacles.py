"""What of somebody else keeps a policy from being published."""

from __future__ import annotations

import pytest

from dns import sync
from dns.errors import Blocked
from tests.dns.sync.policies.site import MX1, NAME, Site, hosts


@pytest.mark.parametrize(
    ("kind", "name", "content", "says"),
    [
        ("A", "mta-sts", "192.0.2.1", "Cloudflare's Worker needs this name"),
        ("CNAME", "mta-sts", "policies.example.net", "Cloudflare's Worker needs this name"),
        ("TXT", "_mta-sts", "v=STSv1; id=1", "two of these count as none"),
        ("CNAME", "_mta-sts", "policies.example.net", "is an alias"),
        ("NS", "mta-sts", "ns1.example.net", "delegates mta-sts.example.test"),
    ],
)
def test_a_record_of_somebody_else_stops_the_run(
    site: Site, kind: str, name: str, content: str, says: str
) -> None:
    site.cloudflare.seed(NAME, {"type": kind, "name": name, "content": content})
    with pytest.raises(Blocked, match=says):
        site.run(hosts(MX1, mta_sts="testing"))
    assert len(site.cloudflare.records(NAME)) == 1
    site.run(hosts(MX1))
    assert site.mx == [MX1]


def test_the_worker_of_somebody_else_stops_the_run(site: Site) -> None:
    zones = sync.Zones()
    zone = zones.holding(NAME)
    zones.workers.publish(zone, NAME, "x")
    (custom,) = site.cloudflare.account.domains.values()
    custom["service"] = "somebody"
    with pytest.raises(Blocked, match="a custom domain of another Worker, somebody"):
        site.run(hosts(MX1, mta_sts="testing"))
    assert site.mx == []


def test_another_text_at_the_name_is_left_alone(site: Site) -> None:
    site.cloudflare.seed(NAME, {"type": "TXT", "name": "_mta-sts", "content": "hello"})
    site.run(hosts(MX1, mta_sts="testing"))
    texts = [r["content"] for r in site.cloudflare.records(NAME) if r["name"] == f"_mta-sts.{NAME}"]
    assert len(texts) == 2
