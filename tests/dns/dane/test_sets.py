"""Whatever stands at a host's name, a run leaves a set that is right, or leaves it alone."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dns.cloudflare.zones import Zones
from dns.inventory.host_keys import HostKeys
from dns.sync import undo
from dns.sync.change import apply
from tests.dns.dane.keys import FIRST, FOURTH, SECOND, THIRD, inventory, outside, published, tlsa
from tests.dns.dane.runs import prepared
from tests.dns.example import TOKEN
from tests.lab.cloudflare import StandIn

DIGESTS = st.sampled_from([FIRST, SECOND, THIRD, FOURTH])
MARKS = st.sampled_from([None, "Bob's", "letterbox example.test", "letterbox sub.example.test by Bob"])
KEYS = st.builds(
    HostKeys,
    DIGESTS,
    st.sampled_from(["", SECOND, THIRD]),
    st.sets(DIGESTS, max_size=1).map(frozenset),
    st.sampled_from(["", "", "", "its keys could not be read"]),
)


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    there=st.dictionaries(DIGESTS, MARKS),
    keys=KEYS,
    secure=st.sampled_from([True, True, True, False, None]),
    asked=st.tuples(st.booleans(), st.booleans()),
    domain=st.sampled_from(["example.test", "sub.example.test"]),
)
def test_a_run_and_its_undo_never_leave_a_set_without_the_key_that_is_served(
    there: dict[str, str | None],
    keys: HostKeys,
    secure: bool | None,
    asked: tuple[bool, bool],
    domain: str,
) -> None:
    some = inventory(example_test=asked[0], sub_example_test=asked[1])
    foreign = {digest for digest, mark in there.items() if not (mark or "").startswith("letterbox")}
    with StandIn(["example.test"], token=TOKEN) as cloudflare, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLOUDFLARE_BASE_URL", cloudflare.base_url)
        patch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
        cloudflare.seed("example.test", *(tlsa(digest, comment=mark) for digest, mark in there.items()))
        first = prepared(some, keys, outside(secure), domain)
        apply(first)
        after = set(published(cloudflare))
        if not any(asked):
            assert after == foreign
        elif secure and not keys.unread and keys.served == {keys.current}:
            assert after == foreign | set(keys.published)
        else:
            assert after == set(there)
        again = prepared(some, keys, outside(secure), domain)
        assert again.in_sync
        if first.changes:
            zones = Zones()
            zone, back = undo.plan_undo(domain, zones, forgetting=None)
            undo.apply(domain, zone, back, zones)
            left = set(published(cloudflare))
            assert left in (after, foreign)
