"""Whether a recipient exists, and which mailboxes get its mail."""

from __future__ import annotations

import tomllib

import pytest

from receiver.addresses import Address
from receiver.config.load import from_table
from receiver.mailbox import Mailbox
from receiver.recipients import Directory, Domain, NoMailbox, NotServed, UnknownRecipient, is_named

CONFIG = """
hostname = "mx.example.test"
mail = "/mail"
[domains."example.test"]
mailboxes = ["alice", "bob", "c+d"]
aliases = { team = ["alice", "bob"], boss = ["alice"], all = ["team", "carol@other.test"] }
[domains."other.test"]
mailboxes = ["carol"]
catch_all = "carol"
subaddress_separators = "+-"
[domains."xn--strae-oqa.test"]
mailboxes = ["postmaster"]
subaddress_separators = ""
"""


@pytest.fixture(scope="module")
def directory() -> Directory:
    config = from_table(tomllib.loads(CONFIG), "test")
    return Directory(config.domains, ["192.0.2.1"])


def found(directory: Directory, local: str, domain: str) -> list[tuple[str, str]]:
    return [(str(each.mailbox), each.delivered_to) for each in directory.destinations(Address(local, domain))]


@pytest.mark.parametrize(
    ("local", "domain", "expected"),
    [
        ("alice", "example.test", [("alice@example.test", "alice@example.test")]),
        ("ALICE", "example.test", [("alice@example.test", "ALICE@example.test")]),
        ("alice+news", "example.test", [("alice@example.test", "alice+news@example.test")]),
        ("alice+", "example.test", [("alice@example.test", "alice+@example.test")]),
        ("c+d", "example.test", [("c+d@example.test", "c+d@example.test")]),
        ("boss", "example.test", [("alice@example.test", "alice@example.test")]),
        ("boss+x", "example.test", [("alice@example.test", "alice@example.test")]),
        ("postmaster", "example.test", [("alice@example.test", "postmaster@example.test")]),
        ("Postmaster", "", [("alice@example.test", "Postmaster@example.test")]),
        ("bob", "[192.0.2.1]", [("bob@example.test", "bob@[192.0.2.1]")]),
        ("whoever", "other.test", [("carol@other.test", "whoever@other.test")]),
        ("carol-list+x", "other.test", [("carol@other.test", "carol-list+x@other.test")]),
        ("postmaster", "straße.test", [("postmaster@xn--strae-oqa.test", "postmaster@straße.test")]),
        ("postmaster", "xn--strae-oqa.test", [("postmaster@xn--strae-oqa.test",) * 2]),
    ],
)
def test_a_recipient_reaches_its_mailbox(
    directory: Directory, local: str, domain: str, expected: list[tuple[str, str]]
) -> None:
    assert found(directory, local, domain) == expected


def test_an_alias_reaches_several_mailboxes_each_named_for_itself(directory: Directory) -> None:
    names = ["alice@example.test", "bob@example.test", "carol@other.test"]
    assert found(directory, "all", "example.test") == [(name, name) for name in names]


@pytest.mark.parametrize(
    ("local", "domain", "refusal"),
    [
        ("nobody", "example.test", NoMailbox),
        ("+news", "example.test", NoMailbox),
        ("alice-news", "example.test", NoMailbox),
        ("postmaster+x", "xn--strae-oqa.test", NoMailbox),
        ("alice", "elsewhere.test", NotServed),
        ("alice", "sub.example.test", NotServed),
        ("alice", "", NotServed),
        ("alice", "[192.0.2.2]", NotServed),
    ],
)
def test_an_unknown_recipient_is_refused(
    directory: Directory, local: str, domain: str, refusal: type[UnknownRecipient]
) -> None:
    with pytest.raises(refusal):
        directory.destinations(Address(local, domain))


@pytest.mark.parametrize("local", ["..", ".hidden", "a/b", "-rf", "a\u202eb", "x" * 256])
def test_without_a_list_a_mailbox_needs_a_name_that_can_be_a_folder(local: str) -> None:
    open_directory = Directory([Domain("example.test", None, {})])
    assert found(open_directory, "anyone+x", "example.test") == [
        ("anyone@example.test", "anyone+x@example.test")
    ]
    with pytest.raises(UnknownRecipient):
        open_directory.destinations(Address(local, "example.test"))


@pytest.mark.parametrize(
    ("wanted", "mailbox", "is_it"),
    [
        ("alice", Mailbox("example.test", "alice"), True),
        ("ALICE", Mailbox("example.test", "alice"), True),
        ("Alice@Example.Test", Mailbox("example.test", "alice"), True),
        ("alice@other.test", Mailbox("example.test", "alice"), False),
        ("bob", Mailbox("example.test", "alice"), False),
        ("e\u0301va", Mailbox("example.test", "\u00e9va"), True),
        ("postmaster@straße.test", Mailbox("xn--strae-oqa.test", "postmaster"), True),
        ("postmaster@xn--strae-oqa.test", Mailbox("xn--strae-oqa.test", "postmaster"), True),
        ("a@b", Mailbox("example.test", "a@b"), True),
        (".proof", Mailbox("example.test", ".proof"), True),
        ("Old", Mailbox("example.test", "Old"), True),  # a folder that somebody else made
        ("Old@example.test", Mailbox("example.test", "Old"), True),
        ("", Mailbox("example.test", "alice"), False),
    ],
)
def test_a_user_names_a_mailbox_as_a_sender_would(wanted: str, mailbox: Mailbox, is_it: bool) -> None:
    assert is_named(wanted, mailbox) is is_it
