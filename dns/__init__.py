"""What a domain should publish, how that differs from what it does, and making it so.

This folder and dnspython both want the top-level name ``dns``. Python takes ours, since the
project's root comes first on ``sys.path``; dnspython's own folder is appended to our ``__path__``
here, so that ``dns.message``, ``dns.resolver`` and the rest are found behind our modules. Ours
never take a name of dnspython's (tests/dns/test_package.py holds that).
"""

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
