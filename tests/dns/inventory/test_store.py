"""The key `store`: which bucket mail lies in, what a 250 means, and what of it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from dns.inventory import Inventory, InventoryError, from_hosts
from dns.inventory.store.values import Store
from tests.dns.inventory.good import GOOD_DOMAIN, GOOD_HOST, problems

URL = "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com/mail"
HERE = "https://[2001:db8::5]:7480/mail/fleet/one"
BOTH = ("mx1.example.com", "two")


def fleet(first: Any, second: Any) -> Inventory:
    """Two hosts. ssh reaches the second one by another name than the world does."""
    data = {**GOOD_HOST, "domains": {"example.com": GOOD_DOMAIN}}
    return from_hosts(
        [
            ("mx1.example.com", {**data, "store": first}),
            ("two", {**data, "hostname": "mx2.example.com", "store": second}),
        ]
    )


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"bucket": URL}, Store((URL,), pull=BOTH)),
        ({"bucket": f"{URL}/"}, Store((URL,), pull=BOTH)),
        ({"bucket": [URL], "promise": "bucket"}, Store((URL,), "bucket", pull=BOTH)),
        ({"bucket": URL, "keep": {"days": 90}}, Store((URL,), pull=BOTH, keep=90)),
        ({"bucket": URL, "pull": False}, Store((URL,))),
        ({"bucket": URL, "pull": ["mx2.example.com", "two"]}, Store((URL,), pull=("two",))),
        (
            {"bucket": ("http://10.0.0.5:7480/mail", "http://10.0.0.6:7480/mail"), "allow_http": True},
            Store(("http://10.0.0.5:7480/mail", "http://10.0.0.6:7480/mail"), pull=BOTH, allow_http=True),
        ),
        (
            {"bucket": "https://s3.eu-central-1.amazonaws.com/my.mail", "region": "eu-central-1"},
            Store(("https://s3.eu-central-1.amazonaws.com/my.mail",), region="eu-central-1", pull=BOTH),
        ),
    ],
)  # fmt: skip
def test_a_store_is_the_same_for_all_hosts(given: object, wanted: Store) -> None:
    assert fleet(given, given).store == wanted


def test_without_the_key_each_host_has_its_own_mail() -> None:
    assert fleet(None, None).store is None


def test_what_follows_the_host_in_the_url_is_the_bucket_and_a_prefix() -> None:
    assert (Store((URL,)).bucket, Store((URL,)).prefix) == ("mail", "")
    assert (Store((HERE,)).bucket, Store((HERE,)).prefix) == ("mail", "fleet/one/")


def test_a_host_with_another_store_is_refused() -> None:
    with pytest.raises(InventoryError) as error:
        fleet({"bucket": URL}, {"bucket": f"{URL}2"})
    assert str(error.value) == (
        "inventory: host two: its store differs from that of host mx1.example.com: put it in the group's data"
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (URL, "must be a dict such as {"),
        ({}, "has no bucket: add "),
        ({"bucket": []}, "has no bucket: add "),
        ({"bucket": URL, "promse": "disk"}, "unknown key promse (did you mean promise?): the known keys are"),
        ({"bucket": URL, "promise": "both"}, "promise must be \"disk\" or \"bucket\", not 'both'"),
        ({"bucket": URL, "region": "Eu Central"}, "region must be a name such as"),
        ({"bucket": "https://s3.eu-west-1.amazonaws.com/mail"}, "AWS takes only its own: add"),
        ({"bucket": URL, "pull": "mx1.example.com"}, "pull must be True, False, or a list of hosts"),
        ({"bucket": URL, "pull": ["mx1.example.org"]}, "of the inventory (did you mean mx1.example.com?)"),
        ({"bucket": URL, "pull": [["x"]]}, "pull: ['x'] is no host of the inventory"),
        ({"bucket": URL, "keep": 90}, 'keep must be {"days": 30}'),
        ({"bucket": URL, "allow_http": "no"}, "allow_http must be True or False"),
        ({"bucket": 5}, "bucket must be a URL such as https://"),
        ({"bucket": "s3://mail"}, "bucket must be a URL such as https://"),
        ({"bucket": f"{URL} x"}, "bucket must be a URL such as https://"),
        ({"bucket": "https://bücher.example/mail"}, "bucket must be a URL such as https://"),
        ({"bucket": "https:///mail"}, "has no host"),
        ({"bucket": "https://s3.example.net:99999/mail"}, "is no URL"),
        ({"bucket": URL.replace("https", "http")}, 'add "allow_http": True to the store'),
        ({"bucket": "https://ACCOUNT.r2.cloudflarestorage.com/mail"}, "still has the word ACCOUNT"),
        ({"bucket": "https://ACCOUNT.eu.r2.cloudflarestorage.com/mail"}, "still has the word ACCOUNT"),
        ({"bucket": "https://dash.cloudflare.com/0/r2/default/buckets/mail"}, "a page of the dashboard"),
        ({"bucket": "https://[::1/mail"}, "is no URL"),
        ({"bucket": "https://s3..example.net/mail"}, "has no right host or port"),
        ({"bucket": f"https://{'a' * 64}.example.net/mail"}, "has no right host or port"),
        ({"bucket": "https://-s3.example.net/mail"}, "has no right host or port"),
        ({"bucket": "https://s3.example.net:0/mail"}, "has no right host or port"),
        ({"bucket": f"{URL}/{'/'.join(['folder'] * 40)}"}, "longer than 256 characters"),
        ({"bucket": "https://169.254.169.254/mail"}, "where the unit of the bucket may not go"),
        ({"bucket": URL.removesuffix("/mail")}, "names no bucket: put its name behind the host"),
        ({"bucket": URL.removesuffix("mail")}, "names no bucket: put its name behind the host"),
        ({"bucket": f"{URL}?versioning"}, "take out what begins with ? or #"),
        ({"bucket": f"{URL}#a"}, "take out what begins with ? or #"),
        ({"bucket": "https://s3.example.net/Mail"}, "'Mail' is no name of a bucket"),
        ({"bucket": "https://s3.example.net/ab"}, "'ab' is no name of a bucket"),
        ({"bucket": "https://s3.example.net//mail"}, "names no bucket"),
        ({"bucket": f"{URL}/../other"}, "may be a prefix of words"),
        ({"bucket": f"{URL}//x"}, "may be a prefix of words"),
        ({"bucket": f"{URL}/%2e"}, "may be a prefix of words"),
        ({"bucket": [URL, f"{URL}2"]}, "which are not the same: several URLs are gateways of one bucket"),
        ({"bucket": [URL, URL]}, "twice: name it once"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_store_is_one_problem_with_its_fix(given: object, said: str) -> None:
    (found,) = problems({"store": given})
    assert found.startswith("inventory: store: ")
    assert said in found


def test_a_key_in_the_url_is_refused_and_not_repeated() -> None:
    (found,) = problems({"store": {"bucket": "https://AKIA:hush@s3.example.net/mail"}})
    assert "AWS_SECRET_ACCESS_KEY" in found
    assert "hush" not in found


def test_a_store_among_the_domains_is_sent_to_its_place() -> None:
    domains = {"example.com": {**GOOD_DOMAIN, "store": {"bucket": URL}}, "store": {"bucket": URL}}
    found = problems(domains=domains)
    assert len(found) == 2
    assert all(each.endswith('it is for all hosts, so put it beside "domains"') for each in found)
