"""What a deploy says of a bucket: the first link that does not hold, the promise, what is not there yet."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dns.inventory.store.values import Store
from provision.bucket import backlog, key
from provision.bucket.links import Answer, parse_answer, problem
from provision.host import layout
from provision.host.observed import Generation
from provision.host.served import Served, parse_served
from provision.host.services.bucket import Bucket
from provision.withdrawal.promise import rollback_problem, rollback_remarks
from tests.provision.hosts import DEPLOYED

NAMES = ("name", "TLS", "clock", "key", "conditional write")
DISK = Store(("https://s3.example.net/mail",))
BUCKET = replace(DISK, promise="bucket")
THERE = Bucket(
    units={layout.BUCKET_SERVICE: "0" * 64},
    active=frozenset({layout.BUCKET_SOCKET_UNIT}),
    enabled=frozenset({layout.BUCKET_SOCKET_UNIT}),
    has_state=True,
)

MOVES = replace(THERE, active=THERE.active | {layout.PUSH_SERVICE})


def answer(**states: str) -> Answer:
    """What a check prints, in which all links are good but these."""
    links = [
        {
            "link": name,
            "state": states.get(name.replace(" ", "_"), "good"),
            "found": f"the {name} as found",
            "fix": f"mend the {name}",
        }
        for name in NAMES
    ]
    return parse_answer(["a line before", json.dumps({"links": links})])


def test_a_bucket_whose_links_are_all_good_has_no_problem() -> None:
    assert problem(answer()) == ""


@pytest.mark.parametrize("broken", NAMES)
def test_the_first_bad_link_is_said_with_its_fix(broken: str) -> None:
    said = problem(answer(**{broken.replace(" ", "_"): "bad"}))
    assert said == f"{broken}: the {broken} as found: mend the {broken}"


def test_a_link_that_is_not_known_is_never_good() -> None:
    said = problem(answer(key="unknown"))
    assert said == "key is not known: the key as found: mend the key"


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ([], "it is not known whether the bucket takes mail (weed: hush-hush)"),
        (['{"links": []}'], "it is not known whether the bucket takes mail"),
        (['{"links": [5]}'], "it is not known whether the bucket takes mail"),
        (['{"links": [{"link": "name", "state": "good"}]}'], "conditional write is not known"),
        (['{"links": [{"link": "conditional write"}]}'], "conditional write is not known"),
        (["[]", "null"], "it is not known whether the bucket takes mail"),
    ],
)
def test_no_answer_is_no_good_answer(printed: list[str], said: str) -> None:
    assert said in problem(parse_answer(printed, ["first", "weed: hush-hush", ""]))


@pytest.mark.parametrize(
    ("there", "has_mail", "left"),
    [
        (Bucket(), False, ""),
        (Bucket(), True, "it has mail, and `letterbox push` has never sent all of it to the bucket"),
        (THERE, False, ""),
        (replace(THERE, pushed=True), True, ""),
        (replace(THERE, pushed=True, pending=1), True, "1 message waits for the bucket"),
        (replace(THERE, pending=7), False, "7 messages wait for the bucket"),
        (replace(MOVES, pushed=True, pending=7), True, ""),
        (replace(MOVES, pushed=True, pending=7, late=2), True, "2 messages wait for the bucket"),
    ],
)
def test_what_is_not_in_the_bucket_is_a_backlog(there: Bucket, has_mail: bool, left: str) -> None:
    assert backlog.backlog(there, has_mail=has_mail) == left


@pytest.mark.parametrize(
    ("now", "store", "goes"),
    [
        ("", BUCKET, True),
        ("disk", BUCKET, True),
        ("bucket", BUCKET, False),
        ("bucket", DISK, False),
        ("disk", DISK, False),
        ("bucket", None, False),
    ],
)
def test_only_the_way_to_the_buckets_promise_asks_for_a_backlog_of_0(
    now: str, store: Store | None, goes: bool
) -> None:
    assert backlog.going_to_bucket(now, store) is goes


def test_a_refusal_says_how_to_go_on_and_how_to_leave_that_mail() -> None:
    said = backlog.refusal("mx1.example.com", "disk", "7 messages wait for the bucket", has_bucket=True)
    assert "from disk to bucket, and 7 messages wait for the bucket: wait until `letterbox push`" in said
    assert said.endswith("--data leave_backlog=mx1.example.com")
    said = backlog.refusal("mx1.example.com", "", "it has mail", has_bucket=False)
    assert 'deploy with "promise": "disk" first, and run `letterbox push` on the host' in said


@pytest.mark.parametrize(
    ("store", "hosts", "said"),
    [
        (None, 1, ""),
        (None, 2, "2 hosts without a store: each has mailboxes of its own"),
        (DISK, 2, "promise disk: a 250 means that the host's disk has the message"),
        (BUCKET, 1, "promise bucket: a 250 means that the bucket mail has the message for every mailbox"),
    ],
)
def test_a_deploy_says_which_promise_holds(store: Store | None, hosts: int, said: str) -> None:
    line = backlog.fleet_line(store, hosts)
    assert line == "" if not said else said in line


def test_what_a_deploy_changes_is_said_and_nothing_else() -> None:
    said = [
        list(backlog.changes(there, now, store, pulls=True))
        for there, now, store in (
            (THERE, "disk", DISK),
            (Bucket(), "", None),
            (THERE, "disk", BUCKET),
            (THERE, "bucket", DISK),
            (replace(THERE, pending=2), "disk", None),
        )
    ]
    assert said[:2] == [[], []]
    assert said[2] == ["promise: bucket in place of disk: a 250 then means that the bucket has a message"]
    assert said[3] == ["promise: disk in place of bucket: a 250 then means that this disk has a message"]
    assert "2 messages have not been sent to the bucket" in said[4][1]
    assert any(
        "comes: its service with the key" in line for line in backlog.changes(Bucket(), "", DISK, pulls=True)
    )


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, ""),
        ({key.ID: "KEYID", key.SECRET: "hush"}, ""),
        ({key.ID: "KEYID"}, "AWS_SECRET_ACCESS_KEY is not: set both"),
        ({key.SECRET: "hush"}, "AWS_ACCESS_KEY_ID is not: set both"),
        ({key.ID: "KEYID", key.SECRET: "hu sh"}, "AWS_SECRET_ACCESS_KEY holds a space"),
        ({key.ID: "KEYID", key.SECRET: "hush", key.SESSION: "x"}, "the pair ends within hours"),
    ],
)
def test_a_pair_that_cannot_be_one_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for name in (key.ID, key.SECRET, key.SESSION):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = key.problem()
    assert "hush" not in found and "hu sh" not in found
    assert said in found if said else found == ""
    assert key.given() == (None if len(variables) < 2 else "\n".join([*variables.values()][:2]))


def generation(promise: str) -> Generation:
    return Generation("gold", "0" * 16, Served("mx1.example.com", {"example.com": ("alice",)}, promise))


def test_a_roll_back_to_a_promise_that_the_host_cannot_keep_is_refused() -> None:
    bare, has = DEPLOYED, replace(DEPLOYED, bucket=THERE)
    assert "it would take no mail" in rollback_problem(bare, generation("bucket"))
    assert rollback_problem(has, generation("bucket")) == rollback_problem(bare, generation("disk")) == ""
    assert rollback_problem(bare, generation("")) == ""


@pytest.mark.parametrize(
    ("now", "then", "said"),
    [
        ("", "", ""),
        ("bucket", "bucket", ""),
        ("bucket", "", "has no store: what it takes is on this host's disk alone"),
        ("bucket", "disk", "has the promise disk in place of bucket"),
        ("disk", "bucket", ""),
    ],
)
def test_a_roll_back_says_what_a_250_no_longer_means(now: str, then: str, said: str) -> None:
    served = replace(generation(now).served, promise=now)  # type: ignore[type-var]
    found = list(rollback_remarks(replace(DEPLOYED, served=served), generation(then)))
    assert len(found) == bool(said) and said in "".join(found)


def test_what_a_host_promises_is_read_from_its_configuration() -> None:
    plain = 'hostname = "mx1.example.com"\n[domains]\n'
    assert parse_served(plain).promise == ""
    assert parse_served(f'{plain}[store]\nsocket = "/run/x"\n').promise == "disk"
    assert parse_served(f'{plain}[store]\npromise = "bucket"\n').promise == "bucket"
