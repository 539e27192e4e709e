"""Where a wrong inventory is wrong: the file, the line, and the word that was perhaps meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pyinfra.connectors.ssh import ConnectorData

from dns.inventory import InventoryError, load
from dns.inventory.mail_host import SSH_KEYS

ROOT = Path(__file__).resolve().parents[3]
RIGHT = """\
mail_hosts = (
    [
        (
            "mx1.letterbox.test",
            {
                "ssh_user": "root",
                "public_ipv4": "1.1.1.1",
            },
        ),
        ("mx2.letterbox.test", {"workers": 2}),
    ],
    {
        "log_headers": False,
        "domains": {
            "letterbox.test": {
                "mailboxes": ["alice"],
                "aliases": {
                    "postmaster": ["alice"],
                },
            },
            "Zürich.test": {"mailboxes": ["zoe"], "ttl": 300},
        },
    },
)
"""

MX1, DOMAIN = "host mx1.letterbox.test", "domain letterbox.test"
Said = Callable[[str, str], list[str]]


@pytest.fixture
def said(tmp_path: Path) -> Said:
    """What is said of the right inventory with one text replaced by another, a line each."""

    def load_with(old: str, new: str) -> list[str]:
        assert old in RIGHT
        path = tmp_path / "my mail" / "inventory.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(RIGHT.replace(old, new), "utf-8")
        try:
            load(path)
        except InventoryError as error:
            return str(error).splitlines()
        return []

    return load_with


def test_the_right_inventory_is_right(said: Said) -> None:
    assert said("alice", "alice") == []


@pytest.mark.parametrize(
    ("old", "new", "begins"),
    [
        ('"public_ipv4"', '"publik_ipv4"', f":7: {MX1}: unknown key publik_ipv4 (did you mean "),
        ('"ssh_user"', '"ssh_usr"', f":6: {MX1}: unknown key ssh_usr (did you mean ssh_user?)"),
        ('"1.1.1.1"', '"10.0.0.1"', f":7: {MX1}: public_ipv4 10.0.0.1 is a private address"),
        ('"workers": 2', '"workers": 0', ":10: host mx2.letterbox.test: workers must be"),
        ('"log_headers": False', '"log_headers": 1', f":13: {MX1}: log_headers must be"),
        ('"letterbox.test":', '"letter box.test":', ":15: domain letter box.test: is not a domain name"),
        ('"mailboxes": ["alice"]', '"mailbox": ["alice"]', f":16: {DOMAIN}: unknown key mailbox ("),
        ('["alice"],\n                },', '["bob"],\n                },', f":17: {DOMAIN}: alias "),
        ('"ttl": 300', '"ttl": 3', ":21: domain Zürich.test: ttl must be"),
        ('"domains"', '"domain"', f":14: {MX1}: unknown key domain (did you mean domains?)"),
        ('"mx2.letterbox.test"', '"mx2"', ":10: host mx2: its name has only one label"),
        ("mail_hosts", "mail_host", ":1: has no group mail_hosts (it has mail_host): rename mail_host to"),
        ("mail_hosts = (", "mail_hosts = ((", ":1: "),
    ],
)  # fmt: skip
def test_a_problem_begins_with_the_file_and_the_line(said: Said, old: str, new: str, begins: str) -> None:
    assert said(old, new)[0].startswith(f"inventory.py{begins}")


def test_misspelt_mailboxes_are_one_problem(said: Said) -> None:
    (line,) = said('"mailboxes": ["alice"]', '"mailboxs": ["alice"]')
    assert "unknown key mailboxs (did you mean mailboxes?)" in line


def test_a_name_that_the_file_computes_has_no_line(tmp_path: Path) -> None:
    path = tmp_path / "inventory.py"
    path.write_text('name = "mx1." + "letterbox.test"\nmail_hosts = [(name, {"workers": 0})]\n')
    with pytest.raises(InventoryError) as error:
        load(path)
    assert str(error.value).startswith("inventory.py: host mx1.letterbox.test: workers must be")


def test_the_unedited_example_is_named_as_such() -> None:
    with pytest.raises(InventoryError) as error:
        load(ROOT / "inventory.py")
    (line,) = str(error.value).splitlines()
    assert line.startswith(
        "inventory.py is still the example: set your host in place of mx1.example.com (line "
    )
    assert "and your domain in place of example.com (line " in line


def test_a_part_of_the_example_that_is_left_is_named(said: Said) -> None:
    (line,) = said('"letterbox.test":', '"example.org":')
    assert line == "inventory.py is still the example: set your domain in place of example.org (line 15)"


def test_the_example_with_its_names_replaced_is_right(tmp_path: Path) -> None:
    path = tmp_path / "inventory.py"
    path.write_text((ROOT / "inventory.py").read_text("utf-8").replace("example.com", "letterbox.test"))
    assert [host.hostname for host in load(path).hosts] == ["mx1.letterbox.test"]


def test_the_home_of_the_user_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inventory.py").write_text(RIGHT, "utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(load(Path("~/inventory.py")).hosts) == 2


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match=r"is a folder: name the inventory in it, as .*/inventory\.py$"):
        load(tmp_path)


def test_the_keys_of_ssh_are_those_that_pyinfra_reads() -> None:
    assert set(SSH_KEYS) == set(ConnectorData.__annotations__)
