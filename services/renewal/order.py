"""One order of a certificate (RFC 8555, 7.4), from the request to the chain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from acme import challenges, messages

from services.renewal.authority import Authority
from services.renewal.certificates import Request
from services.renewal.challenge import Publisher
from services.renewal.errors import RenewalError

SECONDS = 90  # for the authority to validate and to sign


def issue(
    authority: Authority, request: Request, profile: str, publisher: Publisher, places: Mapping[str, str]
) -> bytes:
    """Order a certificate, and return it with its chain as PEM. Nothing is installed. Raises RenewalError.

    `places` says where the challenge of each of the request's names is published.
    """
    with authority.refusals():
        order = authority.client.new_order(request.pem, profile or None)
    publisher.report("ordered a certificate")
    pending = {
        str(each.body.identifier.value).lower(): _challenge(each)
        for each in order.authorizations
        if each.body.status != messages.STATUS_VALID
    }
    if not pending:
        return _finished(authority, order)
    values = {name: each.chall.validation(authority.key) for name, each in pending.items()}
    with publisher.published(values, places):
        with authority.refusals():
            for each in pending.values():
                authority.client.answer_challenge(each, each.chall.response(authority.key))
        publisher.report("told the CA that the challenges can be looked at")
        return _finished(authority, order)


def _challenge(authorization: messages.AuthorizationResource) -> messages.ChallengeBody:
    """Its DNS-01 challenge. Kinds that `acme` does not know are among the others."""
    for each in authorization.body.challenges:
        if isinstance(each.chall, challenges.DNS01):
            return each
    name = authorization.body.identifier.value
    raise RenewalError(f"the CA offers no DNS-01 challenge for {name}: use another CA")


def _finished(authority: Authority, order: messages.OrderResource) -> bytes:
    deadline = datetime.now() + timedelta(seconds=SECONDS)  # noqa: DTZ005 - as acme
    with authority.refusals():
        return str(authority.client.poll_and_finalize(order, deadline).fullchain_pem).encode()
