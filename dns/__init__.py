"""The DNS of a domain that receives mail: what to publish, what differs, and making it so.

This folder and dnspython both want the top-level name `dns`. Python imports ours, because the project's
root comes first on `sys.path`. This module finds dnspython's folder and appends it to our `__path__`, so
that `dns.message`, `dns.resolver` and the rest are found too. None of our modules may have the name of one
of dnspython's; tests/dns/test_package.py checks that.

The folders import one way: sync -> check, dane -> terminal -> world, cloudflare -> desired, plan ->
inventory -> records, names, errors. tests/house/test_imports.py checks that.
"""

from __future__ import annotations

import sys as _sys
from importlib.machinery import PathFinder as _PathFinder
from pathlib import Path as _Path

_here = _Path(__file__).resolve().parent
_elsewhere = [entry for entry in _sys.path if _Path(entry or ".").resolve() != _here.parent]
_dnspython = _PathFinder.find_spec("dns", _elsewhere)
if _dnspython is None or not _dnspython.submodule_search_locations:
    raise ModuleNotFoundError(
        "dnspython is not installed: run `make setup`, or `pip install dnspython`", name="dns"
    )
__path__.extend(_dnspython.submodule_search_locations)
