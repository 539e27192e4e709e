"""A look before a run on the machine that deploys: what the host has, and whether anything is to be ordered.

Nothing is ordered, and no token is needed. The authority is asked only if a certificate is due, or when it
said that its suggestion (ARI, RFC 9773) is to be asked for again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from services.renewal import state
from services.renewal.authority import ASK_AGAIN
from services.renewal.certificates import Certificate, Request, read_certificate, read_request
from services.renewal.due import Issued, difference, due
from services.renewal.errors import RenewalError
from services.renewal.renewal import Wanted, connected, with_account
from services.renewal.state import State, account_key

_NOTHING = State()


@dataclass(frozen=True, slots=True)
class Look:
    """`is_due` says whether a run would order, and `words` why, or until when the certificate is good."""

    is_due: bool
    words: str


def look(wanted: Wanted, theirs: Path | None) -> Look:
    """What a run would do. `theirs` is the file of the certificate that the host has, if it has one.

    Raises RenewalError. It `is_wrong` only if this authority or this profile gave no certificate yet: what
    once was right may be wrong for a while, and stops nothing.
    """
    request = read_request(wanted.request)
    with state.only_run(wanted.folder):
        path = wanted.certificate(request)
        now = datetime.now(UTC)
        held = read_certificate(path)
        found = read_certificate(theirs) if theirs else None
        if found and is_better(found, held, request, now):
            state.write(path, found.pem, 0o644)
            held = found
        kept = state.load(wanted.folder / "state.json")
        issued = Issued(kept.directory, kept.profile, kept.digest)
        why = difference(held, request, Issued(wanted.directory, wanted.profile), issued, now)
        if why or held is None:
            check(wanted, kept, is_new=is_new(held, issued, wanted))
            return Look(True, why)
        kept = _asked(wanted, held, kept, now)
        at = due(held, kept.suggested)
        state.save(wanted.folder / "state.json", replace(kept, digest=held.digest, next_due=at))
    return Look(now >= at, f"valid until {held.not_after:%Y-%m-%d %H:%M} UTC, due at {at:%Y-%m-%d %H:%M} UTC")


def is_better(found: Certificate, held: Certificate | None, request: Request, now: datetime) -> bool:
    """Whether the certificate of the host takes the place of the one that is held here. Pure.

    A folder may be lost, and two machines may renew in turn. So the one that was issued last counts.
    """
    if found.self_signed or found.key != request.key or now >= found.not_after:
        return False
    if held is None or held.self_signed or held.key != request.key:
        return True
    return found.not_before > held.not_before


def is_new(held: Certificate | None, issued: Issued, wanted: Wanted) -> bool:
    """Whether this authority with this profile has given no certificate that is held. Pure."""
    if held is None or held.self_signed:
        return True
    if issued.digest != held.digest or not issued.directory:
        return False
    return (issued.directory, issued.profile) != (wanted.directory, wanted.profile)


def check(wanted: Wanted, kept: State = _NOTHING, *, is_new: bool = True) -> None:
    """Ask the authority for its directory and its profiles, unless it asked to wait. Raises RenewalError."""
    try:
        key = account_key(wanted.folder / "account.pem")
        connected(wanted, key, kept, datetime.now(UTC)).check_profile(wanted.profile)
    except RenewalError as error:
        wrong = error.is_wrong and is_new
        raise RenewalError(str(error), retry_after=error.retry_after, is_wrong=wrong) from None


def _asked(wanted: Wanted, held: Certificate, kept: State, now: datetime) -> State:
    """The state with the authority's suggestion and our account there.

    If the authority cannot be asked now, that is for later.
    """
    if kept.digest != held.digest:
        # Issued elsewhere, or its file was lost: it is not known how it came, and stays so.
        kept = State(
            account=kept.account,
            account_of=kept.account_of,
            identities=kept.identities,
            retry_after=kept.retry_after,
            refused_by=kept.refused_by,
            refusal=kept.refusal,
        )
    elif kept.ask_after and now < kept.ask_after and kept.account_of == wanted.directory:
        return kept
    try:
        ca = connected(wanted, account_key(wanted.folder / "account.pem"), kept, now)
    except RenewalError:
        return replace(kept, ask_after=now + ASK_AGAIN)
    at, ask, _ = ca.suggestion(held.pem)
    return replace(with_account(ca, kept), suggested=at, ask_after=ask)
