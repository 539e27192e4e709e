"""The key pair is in no argument, no environment, no log and no reply, whatever the store says about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.mailbox import Mailbox
from tests.bucket.gateway import Fault, Gateway
from tests.bucket.seaweed import Engine
from tests.bucket.service import service
from tests.services.bucket.messages import content, put


def test_the_key_pair_is_nowhere_but_in_its_file(
    tmp_path: Path, gate: Gateway, engine: Engine, bob: Mailbox
) -> None:
    secret = "WRONG+secret/0123456789"
    with service(tmp_path, [gate.url("mail")], engine.key, secret) as running, running.client() as client:
        said = []
        for fault in (None, Fault.BAD_KEY, Fault.CUT_AFTER):
            if fault:
                gate.at(1, fault)
            with pytest.raises(OSError) as refused:
                put(client, content(), bob)
            said.append(str(refused.value))
            gate.heal()
        said.append(repr(client.check()))
        assert running.process
        process = Path(f"/proc/{running.process.pid}")
        said += [(process / "cmdline").read_text(), (process / "environ").read_text()]
        running.end()
        said.append(running.log.read_text())
    assert "the store said 403 SignatureDoesNotMatch" in said[0]
    assert not [each for each in said if secret in each or engine.key in each]
