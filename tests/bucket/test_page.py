"""What docs/fleet.md says: costs, computed again from the prices that it names, limits, and screens."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from dns.inventory.store.reading import KEYS
from dns.inventory.store.values import Store
from provision.bucket.backlog import changes, fleet_line
from provision.bucket.links import Answer, Link, summary
from provision.host.services.bucket import Bucket
from receiver.bucket import keys, protocol
from receiver.doctor.services import backlog
from receiver.storage.bucket import puts
from receiver.transfer.window import Window
from services.bucket import requests

PAGE = (Path(__file__).parents[2] / "docs" / "fleet.md").read_text()
HOURS = 30 * 24  # of the 30 days
PAGE_OF_KEYS = 1000  # that one list shows


def number(text: str) -> float:
    return float(re.sub(r"[^0-9.]", "", text))


def rows(heading: str) -> list[list[float]]:
    """The cells of the table under this row of headings, as numbers. 0 for a cell without one."""
    table = PAGE.split(heading, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [
        [number(cell) if re.search(r"\d", cell) else 0.0 for cell in row.split("|")[1:-1]] for row in table
    ]


def in_units(used: float, free: float, price: float) -> float:
    """Dollars. What is used beyond what is free is rounded up to a whole unit."""
    return price * max(0, math.ceil(used - free))


def lists_of_an_hour(messages: float) -> float:
    return 420 + 240 * max(0, math.ceil(messages / PAGE_OF_KEYS) - 1)


@pytest.mark.parametrize(
    ("messages", "pulling", "class_a", "class_b", "stored", "dollars"),
    rows("| messages a day | hosts that pull | class A | class B | stored | a month |"),
)
def test_each_row_of_the_table_follows_from_the_prices(
    messages: float, pulling: float, class_a: float, class_b: float, stored: float, dollars: float
) -> None:
    (disk, a, b, _) = rows("| | free in a month | beyond |")
    month, objects = 30 * messages, 90 * messages
    lists = pulling * (HOURS * lists_of_an_hour(messages / 24) + 30 * math.ceil(objects / PAGE_OF_KEYS))
    used_a, used_b, gigabytes = (month + lists) / 1e6, month * (0.25 + pulling) / 1e6, objects * 75e3 / 1e9
    assert (used_a, used_b) == (pytest.approx(class_a, abs=0.006), pytest.approx(class_b, abs=0.006))
    assert gigabytes == pytest.approx(stored, abs=0.51)
    bill = in_units(used_a, a[1], a[2]) + in_units(used_b, b[1], b[2]) + in_units(gigabytes, disk[1], disk[2])
    assert bill == pytest.approx(dollars, abs=0.005)


def test_a_host_that_pulls_lists_as_often_as_the_page_says() -> None:
    """A day of looks ten seconds apart, at a bucket in which no hour has more than a page of keys."""
    window, lists = Window(), 0
    for now in range(1_795_694_400, 1_795_694_400 + 86_400, 10):
        prefixes = window.prefixes(now)
        lists += len(prefixes)
        window.done(now, is_whole=True)
    assert lists / 24 == pytest.approx(420, rel=0.03)


@pytest.mark.parametrize(
    "said",
    [
        f"each message gets 451 4.3.0 after {puts.DEADLINE:.0f} seconds at most",
        f"What was begun and is not there after {requests.DEADLINE:.0f} seconds is 451",
        f"{requests.UNDER_WAY // 2**20} MiB of messages may be under way at a time",
        f"when a message has waited for {backlog.LONGEST // 60} minutes",
        f"below `{keys.CHECKS}`",
    ],
)
def test_the_limits_on_the_page_are_those_of_the_programs(said: str) -> None:
    assert said in " ".join(PAGE.split())


def test_the_screen_of_the_deploy_is_what_the_programs_say() -> None:
    """The lines of step 4, in their order: what `provision.bucket.steps` logs, with the host before it."""
    store = Store(("https://ACCOUNT.r2.cloudflarestorage.com/mail",))
    good = summary(Answer(tuple(Link(name, "good", "", "") for name in protocol.LINKS)))
    (comes,) = changes(Bucket(), "", store, pulls=True)
    said = [
        fleet_line(store, 3),
        f"[mx1.example.com] {comes}",
        f"the bucket mail, tried from here: {good}",
        f"[mx1.example.com] the bucket mail, tried from this host: {good}",
    ]
    (screen,) = [block for block in PAGE.split("```")[1::2] if "promise disk:" in block]
    assert screen.split() == " ".join(said).split()


def test_the_keys_of_the_table_are_those_of_the_inventory() -> None:
    table = PAGE.split('## The keys of `"store"`', 1)[1].split("\n## ", 1)[0]
    assert tuple(re.findall(r'^\| `"(\w+)"` \|', table, re.MULTILINE)) == KEYS
