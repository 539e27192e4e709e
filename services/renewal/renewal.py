"""One run: look whether a certificate is due, order it, check it, install it, and keep what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from josepy.jwk import JWKEC

from services.renewal import state, warning
from services.renewal.authority import Authority, connect
from services.renewal.certificates import Certificate, Request, check_issued, read_certificate, read_request
from services.renewal.challenge import Publisher
from services.renewal.due import Issued, difference, due, due_by_life, warning_from
from services.renewal.errors import RenewalError
from services.renewal.order import issue
from services.renewal.state import State, account_key

MOST_ORDERS = 2  # in one run; an authority allows five failed validations an hour


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted: a certificate for the request, of the authority with this directory and profile.

    `folder` holds the state, the account and, below the key's identifier, the certificate. `trusted` is the
    PEM file that the authority's HTTPS is verified with, if not the public ones. `smtp` is the receiver that
    takes the warning, as `ADDRESS:PORT`, or empty if nobody gets one. `pause` is the time between two
    orders of a run in seconds.
    """

    request: Path
    folder: Path
    directory: str
    profile: str = ""
    trusted: Path | None = None
    smtp: str = "127.0.0.1:25"
    pause: float = 60.0

    def certificate(self, request: Request) -> Path:
        """Where the certificate of this request's key lies."""
        return self.folder / request.id / "certificate.pem"


def run(wanted: Wanted, publisher: Publisher | None) -> State:
    """Renew the certificate if it is due, and return what came of it. Never takes a certificate away.

    Without a publisher nothing is ordered, and postmaster is warned all the same. Raises RenewalError only if
    the run could not begin.
    """
    request = read_request(wanted.request)
    with state.only_run(wanted.folder):
        kept = state.load(wanted.folder / "state.json")
        path = wanted.certificate(request)
        now = datetime.now(UTC)
        try:
            after = _renewed(wanted, request, publisher, kept) if publisher else _looked_at(path, kept)
        except RenewalError as error:
            # The account may have become known before it failed.
            after = _failed(error, state.load(wanted.folder / "state.json"), wanted.directory)
        after = replace(after, at=now)
        held = read_certificate(path)
        if wanted.smtp and held and not held.self_signed and now >= warning_from(held):
            after = _warned(wanted.smtp, held, after, now)
        state.save(wanted.folder / "state.json", after)
    return after


def _renewed(wanted: Wanted, request: Request, publisher: Publisher, kept: State) -> State:
    """Look, and order if it is due. Returns the new state. Raises RenewalError."""
    path = wanted.certificate(request)
    held = read_certificate(path)
    now = datetime.now(UTC)
    issued = Issued(kept.directory, kept.profile, kept.digest)
    why = difference(held, request, Issued(wanted.directory, wanted.profile), issued, now)
    places = publisher.places(request.names)
    publisher.clean(places)
    key = account_key(wanted.folder / "account.pem")
    note = ""
    try:
        ca = connected(wanted, key, kept, now)
    except RenewalError as error:
        if held is None or why or now >= due(held, kept.suggested):
            raise
        ca, note = None, f"; {error}"
    if not why and held is not None:
        if ca:
            kept, note = _suggested(ca, held, with_account(ca, kept), now)
        at = due(held, kept.suggested)
        kept = replace(kept, next_due=at)
        if now < at:
            outcome = f"valid until {held.not_after:%Y-%m-%d %H:%M} UTC, due at {at:%Y-%m-%d %H:%M} UTC{note}"
            return replace(kept, outcome=outcome, succeeded=True)
        why = "the CA suggests to renew it" if kept.suggested == at else "little of its life is left"
    assert ca is not None, "it was due already when the CA could not be asked"
    publisher.report(f"a certificate is due: {why}")
    ca.check_profile(wanted.profile)
    # A CAA record that names another account fails the order. What mends that must find this one.
    kept = logged_in(ca, kept)
    state.save(wanted.folder / "state.json", kept)
    got = _ordered(wanted, ca, request, publisher, places)
    state.write(path, got.pem, 0o644)
    publisher.report(f"installed {path}")
    return State(
        outcome=f"renewed: valid until {got.not_after:%Y-%m-%d %H:%M} UTC",
        succeeded=True,
        next_due=due(got, None),
        directory=wanted.directory,
        profile=wanted.profile,
        digest=got.digest,
        account=kept.account,
        account_of=kept.account_of,
        identities=kept.identities,
        warned=kept.warned,
    )


def _failed(error: RenewalError, kept: State, directory: str) -> State:
    """The state after a failure. If the authority asked to wait, that is kept, with what it said then."""
    after = replace(kept, outcome=str(error), succeeded=False)
    if error.retry_after in (None, kept.retry_after):
        return after
    return replace(after, retry_after=error.retry_after, refused_by=directory, refusal=str(error))


def connected(wanted: Wanted, key: JWKEC, kept: State, now: datetime) -> Authority:
    """The authority, unless it asked to wait. Raises RenewalError."""
    if kept.retry_after and now < kept.retry_after and kept.refused_by == wanted.directory:
        raise RenewalError(
            f"the CA asked to wait until {kept.retry_after:%Y-%m-%d %H:%M} UTC, and the next run after that "
            f"tries again: {kept.refusal}",
            retry_after=kept.retry_after,
        )
    return connect(wanted.directory, key, wanted.trusted)


def logged_in(ca: Authority, kept: State) -> State:
    """The state with our account at this authority, which is made if it is not there. Raises RenewalError."""
    return replace(kept, account=ca.log_in(), account_of=ca.url, identities=ca.identities)


def with_account(ca: Authority, kept: State) -> State:
    """The same, but only an account that is not known yet is asked for, and a failure is for a later run.

    CAA records can then name the account before it is needed.
    """
    if kept.account and kept.account_of == ca.url:
        return replace(kept, identities=ca.identities)
    try:
        return logged_in(ca, kept)
    except RenewalError:
        return kept


def _suggested(ca: Authority, held: Certificate, kept: State, now: datetime) -> tuple[State, str]:
    """The state with the authority's newest suggestion for this certificate, and a note for the outcome."""
    if kept.digest == held.digest and kept.ask_after and now < kept.ask_after:
        return kept, ""
    at, ask, note = ca.suggestion(held.pem)
    return replace(kept, suggested=at, ask_after=ask), note and f"; {note}"


def _ordered(
    wanted: Wanted, ca: Authority, request: Request, publisher: Publisher, places: dict[str, str]
) -> Certificate:
    """A new certificate that passed all checks. Raises RenewalError after the last order."""
    for left in reversed(range(MOST_ORDERS)):
        try:
            chain = issue(ca, request, wanted.profile, publisher, places)
            return check_issued(chain, request, datetime.now(UTC))
        except RenewalError as error:
            if not left or not error.again:
                raise
            publisher.report(f"{error}; one more order in {wanted.pause:.0f} s")
            time.sleep(wanted.pause)
    raise AssertionError("unreachable")


def _looked_at(path: Path, kept: State) -> State:
    """The state after a look at the certificate alone."""
    held = read_certificate(path)
    if held is None:
        raise RenewalError(f"there is no certificate at {path}: deploy, or let it be renewed")
    outcome = f"valid until {held.not_after:%Y-%m-%d %H:%M} UTC; this host renews nothing itself"
    return replace(kept, outcome=outcome, succeeded=True, next_due=due_by_life(held))


def _warned(server: str, held: Certificate, after: State, now: datetime) -> State:
    """Tell postmaster, once a day. A mail that cannot be delivered is noted, and sent by the next run."""
    today = f"{now:%Y-%m-%d}"
    if after.warned == today:
        return after
    try:
        warning.send(server, held, after.outcome, now)
    except RenewalError as error:
        return replace(after, outcome=f"{after.outcome}; {error}", succeeded=False)
    return replace(after, warned=today)
