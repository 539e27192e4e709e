"""Pebble, Let's Encrypt's test server, as the certificate authority of the world.

It speaks ACME (RFC 8555) with profiles, renewal information (RFC 9773), dns-01 and dns-persist-01. It finds
the nameservers of a name from the root down, and keeps no answer. It checks no CAA and has no rate limits.
At each start it makes new roots and has forgotten all accounts and orders, as its documentation says.
"""

from __future__ import annotations

import ssl
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException

from acme import challenges, client, messages
from cryptography.hazmat.primitives.asymmetric import ec
from josepy import ES256, JWKEC

from tests.lab.errors import LabError
from tests.lab.machines.machine import DEADLINE
from tests.lab.world import World

Prove = Callable[[str, str], AbstractContextManager[None]]

PORT, MANAGEMENT_PORT = 14000, 15000
AUTHORITY = "/var/lib/pebble/authority.pem"
PROFILES = ("classic", "tlsserver", "shortlived", "minute", "seconds")
"""The names of its profiles: 90 days, 45 days, 160 hours, 60 s, 10 s."""


@dataclass(frozen=True, slots=True)
class Pebble:
    """A running Pebble: its directory as the machines know it, and as any address of the world reaches it."""

    world: World
    authority: str
    """The certificate, in PEM, that a client must trust to speak to it."""

    @property
    def directory(self) -> str:
        """The directory's URL. The name is in the lab's DNS."""
        return f"https://acme.test:{PORT}/dir"

    @property
    def directory_by_address(self) -> str:
        """The same for the control machine, which does not ask the lab's resolver."""
        return f"https://{self.world.ipv4}:{PORT}/dir"

    def root(self) -> str:
        """The root, in PEM, of the certificates that it issues. It makes another at each start."""
        return self._management("/roots/0").decode()

    def issue(self, request: bytes, prove: Prove, profile: str = "classic") -> str:
        """A certificate with its chain, in PEM, for a request in PEM, by DNS-01 (RFC 8555, 8.4).

        `prove` publishes the TXT record of a name with a value, and takes it back at the end of the context.
        """
        account = JWKEC(key=ec.generate_private_key(ec.SECP256R1()))
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as trusted, ExitStack() as published:
            trusted.write(self.authority)
            trusted.flush()
            net = client.ClientNetwork(account, alg=ES256, verify_ssl=trusted.name)
            acme = client.ClientV2(client.ClientV2.get_directory(self.directory_by_address, net), net)
            acme.new_account(messages.NewRegistration.from_data(terms_of_service_agreed=True))
            order = acme.new_order(request, profile)
            for authorization in order.authorizations:
                name = authorization.body.identifier.value
                body = next(
                    each for each in authorization.body.challenges if isinstance(each.chall, challenges.DNS01)
                )
                response, value = body.response_and_validation(account)
                published.enter_context(prove(body.chall.validation_domain_name(name), value))
                acme.answer_challenge(body, response)
            until = datetime.now() + timedelta(seconds=DEADLINE)  # noqa: DTZ005 - as acme has it
            return str(acme.poll_and_finalize(order, until).fullchain_pem)

    def _management(self, path: str) -> bytes:
        context = ssl.create_default_context(cadata=self.authority)
        url = f"https://{self.world.ipv4}:{MANAGEMENT_PORT}{path}"
        with urllib.request.urlopen(url, timeout=30, context=context) as answer:
            return bytes(answer.read())


@contextmanager
def running(world: World, *, bad_nonces: int = 5, strict: bool = True) -> Iterator[Pebble]:
    """Pebble, started anew, with as many percent of all nonces refused. It is stopped at the end."""
    settings = f"PEBBLE_WFE_NONCEREJECT={bad_nonces}\nSTRICT={'true' if strict else 'false'}\n"
    world.write("/run/lab/pebble", settings)
    world.run("systemctl restart pebble.service")
    try:
        pebble = Pebble(world, world.read(AUTHORITY).decode())
        _wait_until_it_answers(pebble)
        yield pebble
    finally:
        world.run("systemctl stop pebble.service; rm -f /run/lab/pebble")


def _wait_until_it_answers(pebble: Pebble) -> None:
    late = time.monotonic() + DEADLINE
    while True:
        try:
            pebble.root()
            return
        except (OSError, HTTPException) as error:  # it may also hang up, as long as it begins
            if time.monotonic() > late:
                raise LabError(f"Pebble does not answer: {error}") from None
            time.sleep(0.02)
