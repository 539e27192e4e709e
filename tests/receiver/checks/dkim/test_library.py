"""A release whose compiled library does not load takes mail, and its signatures are temperror."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.receiver.checks.dkim.messages import record, rsa, signed

ROOT = Path(__file__).parents[4]
# It stands in for what happens when the host has another Python than the release was built for.
_RUN = """
import asyncio, json, sys

class Unloadable:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("cryptography", "_cffi_backend"):
            raise eval(sys.argv[1])

if sys.argv[1]:
    sys.meta_path.insert(0, Unloadable())
from receiver.checks import header_fields
from receiver.checks.dkim import Signatures
from receiver.checks.dns_query import Answer

given = json.loads(sys.stdin.read())

class Zone:
    async def query(self, name, kind):
        return Answer(tuple(bytes.fromhex(given["record"]) for _ in range(given["records"])))

assert "cryptography" not in sys.modules, "it is imported too early"
head, _, body = bytes.fromhex(given["message"]).partition(b"\\r\\n\\r\\n")
for _ in range(2):
    signatures = Signatures(header_fields.split(head + b"\\r\\n"))
    signatures.update(body)
    asyncio.run(signatures.ask(Zone()))
    found = signatures.results()
print(json.dumps([[each.result, each.reason] for each in found]))
"""


def results(error: str, octets: bytes, records: int = 1) -> list[list[str]]:
    given = {"message": octets.hex(), "record": record(rsa()).hex(), "records": records}
    done = subprocess.run(
        [sys.executable, "-c", _RUN, error], input=json.dumps(given), capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "error",
    [
        "ImportError('undefined symbol: PyObject_New')",
        "ModuleNotFoundError(name)",
        "OSError('cannot open shared object file')",
        "SystemError('initialization did not return an extension module')",
        "AttributeError('no such attribute')",
        "type('PanicException', (BaseException,), {})('a panic of Rust')",
    ],
)
def test_a_library_that_does_not_load_is_temperror(error: str) -> None:
    unknown = ["temperror", "the library for signatures does not load"]
    assert results(error, signed(), records=3) == [unknown]


def test_what_needs_no_library_is_decided_without_it() -> None:
    error = "ImportError('no')"
    assert results(error, signed() + b"more") == [["fail", "the body was changed"]]
    assert results(error, signed({"d": ""})) == [["permerror", "no d="]]
    assert results(error, signed(), records=0) == [["permerror", "no key"]]
    assert results(error, b"From: a@b.test\r\n\r\n") == []


def test_with_the_library_the_same_message_passes() -> None:
    assert results("", signed()) == [["pass", ""]]
