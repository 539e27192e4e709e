"""The signature of a request, as the libraries of others verify it: those for JavaScript and for Python."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.hooks.credentials import Credentials
from services.hooks.url import request
from tests.conformance.npm_peers import NODE, locked
from tests.services.hooks.hooks import SECRET, Hook
from tests.services.hooks.target import Request, Target
from tests.waiting import wait_until

HERE = Path(__file__).parent
OTHER = "whsec_" + base64.b64encode(bytes(24)).decode()
Verify = Callable[[str, Request], bool]


def by_python(secret: str, found: Request) -> bool:
    try:
        Webhook(secret).verify(found.body, found.headers)
    except WebhookVerificationError:
        return False
    return True


def by_javascript(secret: str, found: Request) -> bool:
    given = {"secret": secret, "body": base64.b64encode(found.body).decode(), "headers": found.headers}
    done = subprocess.run(
        [str(NODE), str(HERE / "verify.js")],
        input=json.dumps(given) + "\n",
        capture_output=True,
        text=True,
        check=True,
        env={"NODE_PATH": str(locked(HERE, "standardwebhooks") / "node_modules")},
    )
    assert done.stdout in ("true\n", '"No matching signature found"\n'), done
    return done.stdout == "true\n"


@pytest.fixture
def sent(hook: Hook, target: Target) -> Request:
    """What the program sent for a message with letters of two alphabets."""
    hook.store("Subject: две \N{CHERRIES}\r\n\r\nä \0 \N{SNOWMAN}\r\n".encode())
    with hook.running():
        wait_until(lambda: not hook.names(), "an empty queue")
    return target.requests[0]


@pytest.mark.parametrize("verify", [by_python, by_javascript])
def test_the_libraries_of_others_verify_what_the_program_sends(sent: Request, verify: Verify) -> None:
    assert verify(SECRET, sent)


@pytest.mark.parametrize("verify", [by_python, by_javascript])
def test_they_refuse_another_secret_body_or_id(sent: Request, verify: Verify) -> None:
    assert not verify(OTHER, sent)
    assert not verify(SECRET, Request(sent.line, sent.headers, sent.body + b" "))
    assert not verify(SECRET, Request(sent.line, sent.headers | {"webhook-id": "another"}, sent.body))


@pytest.mark.parametrize("verify", [by_python, by_javascript])
@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_while_a_secret_is_changed_the_old_and_the_new_one_hold(
    hook: Hook, target: Target, verify: Verify, secret: str
) -> None:
    (hook.credentials / "secret").write_text(f"{OTHER}\n{SECRET}\n")
    hook.store()
    with hook.running():
        wait_until(lambda: not hook.names(), "an empty queue")
    assert verify(secret, target.requests[0])


def test_a_repeat_has_the_same_id_and_body_and_a_time_of_its_own() -> None:
    def fields(now: float) -> dict[str, str]:
        return request.fields(Credentials((bytes(24),)), "a.test", "raw", "1.a", now, [b"x", b"y"], 2)

    first, again = fields(1000.9), fields(2000.0)
    assert first["webhook-id"] == again["webhook-id"] == "1.a"
    assert (first["webhook-timestamp"], again["webhook-timestamp"]) == ("1000", "2000")
    assert first["webhook-signature"] != again["webhook-signature"]
    assert first["content-length"] == "2"
    whole = request.signature([bytes(24)], "1.a", 1000, [b"xy"])
    assert first["webhook-signature"] == whole
    assert "authorization" not in first
