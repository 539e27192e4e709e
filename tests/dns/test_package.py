"""Our folder and dnspython under one name."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import dns
from dns import message, resolver
from tests.dns.example import ROOT

OURS = ROOT / "dns"


def names(*folders: Path | str) -> set[str]:
    """The modules and packages right in these folders."""
    return {module.name for module in pkgutil.iter_modules([str(folder) for folder in folders])}


DNSPYTHONS = names(*(folder for folder in dns.__path__ if Path(folder) != OURS))


def test_no_module_of_ours_has_the_name_of_one_of_dnspythons() -> None:
    ours = names(OURS)
    assert {"sync", "check", "inventory", "errors"} <= ours
    assert {"message", "resolver", "query"} <= DNSPYTHONS
    assert ours & DNSPYTHONS == set()


def test_no_module_in_a_folder_of_ours_has_the_name_of_one_of_dnspythons() -> None:
    """`dns.world.zone` would shadow nothing, but a reader would take it for `dns.zone`."""
    packages = [path.parent for path in OURS.rglob("__init__.py") if path.parent != OURS]
    ours = names(*packages)
    assert {"zones", "resolvers", "undo_file"} <= ours
    assert ours & DNSPYTHONS == set()


def test_dnspython_is_found_behind_our_modules() -> None:
    assert message.make_query("example.test.", "MX").question
    assert resolver.Resolver(configure=False)
    assert importlib.import_module("dns.sync").__file__ == str(OURS / "sync" / "__init__.py")
