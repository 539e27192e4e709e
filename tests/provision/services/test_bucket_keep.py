"""`keep` of a store beside the rules of the bucket: on values, and on a real store."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from dns.inventory.store.values import Store
from provision.bucket.lifecycle import judged, look
from provision.desired.archive import LIFECYCLE
from provision.desired.libraries import environment
from tests.bucket.seaweed import seaweed

STORE = Store(("https://s3.example.net/mail/fleet",), keep=90)
PUT_RULE = """\
import botocore.session, json, sys
asked = json.load(sys.stdin)
client = botocore.session.get_session().create_client(
    "s3", region_name="us-east-1", endpoint_url=asked["endpoint"],
    aws_access_key_id=asked["key"], aws_secret_access_key=asked["secret"],
)
rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
client.put_bucket_lifecycle_configuration(Bucket="mail", LifecycleConfiguration={"Rules": [rule]})
"""


def rule(days: int = 90, prefix: str = "", **changed: Any) -> dict[str, Any]:
    return {"Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": days}, **changed}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([], "removes mail: give it a lifecycle rule that expires objects below fleet/ after 90"),
        ([rule()], "keep: a rule of the bucket mail removes mail after 90 days"),
        ([rule(prefix="fleet/")], "keep: a rule of the bucket mail removes mail after 90 days"),
        ([rule(Filter={}, Prefix="fleet/")], "keep: a rule of the bucket mail removes mail after 90 days"),
        ([rule(30), rule()], "removes mail after 30 days, and the inventory says 90: change one of them"),
        ([rule(365)], "removes mail after 365 days, and the inventory says 90: change one of them"),
        ([rule(Status="Disabled")], "no rule of the bucket mail removes mail"),
        ([rule(prefix="fleet/2026")], "no rule of the bucket mail removes mail"),
        ([rule(prefix="other/")], "no rule of the bucket mail removes mail"),
        ([rule(Filter={"Tag": {"Key": "a", "Value": "b"}})], "no rule of the bucket mail removes mail"),
        ([rule(Filter={"And": {"Prefix": "", "Tags": []}})], "no rule of the bucket mail removes mail"),
        ([rule(Expiration={"ExpiredObjectDeleteMarker": True})], "no rule of the bucket mail removes mail"),
    ],
)  # fmt: skip
def test_only_an_enabled_rule_for_all_of_the_mail_is_one(rules: list[dict[str, Any]], said: str) -> None:
    assert said in judged(rules, STORE)


def test_the_rules_of_a_real_store_are_read_and_without_the_right_they_are_unknown() -> None:
    with seaweed() as engine:
        store = Store((engine.url,), keep=90, allow_http=True)
        pair = f"{engine.key}\n{engine.secret}"
        assert "no rule of the bucket mail removes mail" in look(store, pair)
        asked = {"endpoint": engine.endpoint, "key": engine.key, "secret": engine.secret}
        subprocess.run(
            [sys.executable, "-P", "-S", "-c", PUT_RULE],
            input=json.dumps(asked),
            env=environment(LIFECYCLE, "reads the rules of a bucket"),
            text=True,
            check=True,
        )
        assert "removes mail after 30 days, and the inventory says 90" in look(store, pair)
        said = look(store, f"{engine.key}\nhush")
    assert "it is not known whether the bucket mail removes mail after 90 days (the store said Sig" in said
    assert "hush" not in said
