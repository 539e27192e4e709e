"""A library that does not load, several workers, and the line about timeouts in the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.checks.check import Checks
from receiver.checks.dns_query import TXT, TemporaryFailure
from receiver.checks.resolver import VarlinkResolver
from receiver.serving.sender_checks import report_regularly
from tests.receiver.checks.dkim.messages import signed
from tests.receiver.checks.judging import leap
from tests.receiver.sender_checks.sending import good, send, stored
from tests.receiver.server import Server

# cryptography is in Rust. Without its C module for this Python it panics, which is no Exception.
BROKEN = {
    "ImportError": "raise ImportError('built for another Python')",
    "PanicException": "class PanicException(BaseException): pass\nraise PanicException('no _cffi_backend')",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_without_its_library_dkim_is_temperror_and_mail_goes_on(
    serve: Callable[..., Server], resolver: Path, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "broken" / "cryptography").mkdir(parents=True)
    (tmp_path / "broken" / "cryptography" / "__init__.py").write_text(BROKEN[kind])
    server = serve(resolver=resolver, variables={"PYTHONPATH": str(tmp_path / "broken")})
    with server.client("mail.example.com") as client:
        for _ in range(3):
            field, _, rest = stored(server, send(client, signed()))
            assert rest == signed()
            assert b"\tdkim=temperror reason=" in field, field
            assert b"\tspf=pass " in field
            assert b"\tdmarc=pass (p=reject at example.com, aligned spf) " in field
    log = server.log_to_the_end()
    (line,) = [each for each in log.splitlines() if each.startswith("event=error")]
    assert line.startswith(f'event=error check=dkim error="{kind}: '), line


def test_each_worker_checks_senders(serve: Callable[..., Server], resolver: Path) -> None:
    server = serve(resolver=resolver, workers=2)
    for _ in range(12):
        with server.client("mail.example.com") as client:
            assert stored(server, send(client, signed()))[0] == good(signed())
    server.wait_for_lines("event=received", 12)


def test_timeouts_are_a_line_and_no_line_comes_without_one(
    silent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def reported() -> None:
        resolver = VarlinkResolver(silent, patience=0.05)
        checks = Checks(resolver, "mx.example.test")
        reporting = asyncio.create_task(report_regularly(checks, resolver, 0.2))
        await asyncio.sleep(0)
        with pytest.raises(TemporaryFailure):
            await resolver.query("example.com", TXT)
        checks.late, checks.waited = 1, 1.5
        await asyncio.sleep(0.4)
        assert capsys.readouterr().err == "event=checks lookups=1 timeouts=2 seconds=1.500\n"
        await asyncio.sleep(0.3)  # one more period
        reporting.cancel()
        resolver.close()

    leap(reported())
    assert capsys.readouterr().err == ""
