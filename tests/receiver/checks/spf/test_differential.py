"""Random policies have the results that pyspf gives them, but for named causes."""

from __future__ import annotations

import importlib.util
import re
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import unavailable
from tests.receiver.checks.source_distribution import NotFetched
from tests.receiver.checks.spf.checking import check
from tests.receiver.checks.spf.official_suite import extract
from tests.receiver.checks.spf.policies import HELO, PEERS, SENDER, Policies
from tests.receiver.checks.zone import Entry

POLICIES = 3_000
CAUSES = {
    "include has trivial recursion": "pyspf refuses it in terms that are never evaluated (RFC 7208, 4.6.2)",
    "MUST appear at most once": "an unknown modifier is ignored, no matter how often it appears (6)",
    "c,r,t macros allowed": "an unknown modifier is ignored, and its grammar has these letters (7.1)",
}


@pytest.fixture(scope="module")
def pyspf(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    try:
        path = extract("spf.py", tmp_path_factory.mktemp("pyspf"))
    except NotFetched as error:
        unavailable(str(error))
    return _loaded(path)


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("pyspf", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore")
def test_random_policies_have_the_results_of_pyspf(pyspf: ModuleType) -> None:
    policies = Policies(7208)
    wrong: list[str] = []
    seen: Counter[str] = Counter()
    for number in range(POLICIES):
        table, peer = policies.table(), PEERS[number % 3 == 0]
        ours = check(table, SENDER, ip=peer, helo=HELO)
        theirs, why = _result_of(pyspf, table, peer)
        seen[ours.result] += 1
        if ours.result != theirs and not any(cause in why for cause in CAUSES):
            wrong.append(f"{table['n0.test'][0]}: {ours.result} ({ours.reason}), pyspf {theirs} ({why})")
    assert not wrong, "\n".join(wrong)
    assert min(seen[each] for each in ("pass", "fail", "softfail", "neutral", "permerror", "temperror")) > 10


def _result_of(pyspf: ModuleType, table: dict[str, list[Entry]], peer: str) -> tuple[str, str]:
    """The result of pyspf, and why it is a permerror. Its DNS is a global that is meant to be replaced."""

    def lookup(name: str, kind: str, *_: object) -> Iterator[tuple[tuple[str, str], object]]:
        for entry in table.get(name.lower(), ()):
            if entry == "TIMEOUT":
                raise pyspf.TempError("time-out")
            assert isinstance(entry, str)
            of, value = entry.split(" ", 1)
            if of == kind:
                yield (name, kind), _as_pydns(kind, value)

    pyspf.DNSLookup = lookup
    query = pyspf.query(i=peer, s=SENDER, h=HELO, strict=True)
    result = query.check()[0]
    return result, re.sub(r"\s+", " ", str(query.perm_error or ""))


def _as_pydns(kind: str, value: str) -> object:
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "TXT":
        return (value.encode(),)
    if kind == "MX":
        preference, host = value.split(" ")
        return int(preference), host
    return value
