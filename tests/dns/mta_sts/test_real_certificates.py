"""What a sender makes of the chain that a real authority issued: Pebble's, got by the renewal of a host."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dns.mta_sts.certificates import problem_with
from tests.services.renewal import conftest
from tests.services.renewal.world import NAME, World

world = conftest.world


def test_the_chain_of_pebble_is_accepted_by_who_trusts_its_root(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert world.renew("--profile", "ordinary").code == 0
    found = x509.load_pem_x509_certificates(world.path.read_bytes())
    chain = [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in found]
    now = datetime.now(UTC)
    assert "does not trust" in problem_with(NAME, chain, now)
    file = tmp_path / "root.pem"
    file.write_bytes(world.pebble.root())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert problem_with(NAME, chain, now) == ""
    assert "runs out soon" in problem_with(NAME, chain, now + timedelta(days=86))
    assert "ran out" in problem_with(NAME, chain, now + timedelta(days=91))
    assert "without that of its issuer" in problem_with(NAME, chain[:1], now)
    assert "and not for mx9.example.test" in problem_with("mx9.example.test", chain, now)
