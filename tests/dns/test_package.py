"""Our folder and dnspython under one name."""

import importlib
import pkgutil
from pathlib import Path

import dns
from dns import message, resolver

ROOT = Path(__file__).parents[2]


def test_no_module_of_ours_has_a_name_of_dnspythons() -> None:
    ours = {module.name for module in pkgutil.iter_modules([str(ROOT / "dns")])}
    theirs = {
        module.name
        for module in pkgutil.iter_modules([path for path in dns.__path__ if Path(path) != ROOT / "dns"])
    }
    assert "sync" in ours
    assert "message" in theirs
    assert ours & theirs == set()


def test_dnspython_is_found_behind_our_modules() -> None:
    assert message.make_query("example.test.", "MX").question
    assert resolver.Resolver(configure=False)
    assert importlib.import_module("dns.sync").__file__ == str(ROOT / "dns" / "sync" / "__init__.py")
