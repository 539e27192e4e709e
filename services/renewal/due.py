"""Whether a certificate is to be ordered, and when the next one will be. Pure.

Nothing here counts in days: an authority's certificates may live for 90 days, for 45, or for six.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.renewal.certificates import Certificate, Request

SHORT_LIFE = timedelta(days=10)
WARNING_SHARE = 6  # below one sixth of its life, postmaster is told


@dataclass(frozen=True, slots=True)
class Issued:
    """How a certificate came: the authority's directory, the profile, and the certificate's digest."""

    directory: str = ""
    profile: str = ""
    digest: str = ""


def difference(
    held: Certificate | None, request: Request, wanted: Issued, issued: Issued, now: datetime
) -> str:
    """Why the certificate in use is not what is wanted, in words. Empty if it is.

    `wanted` has no digest. Where it is not known how the certificate came (`issued` is of another one, or its
    file was lost), directory and profile count as those that are wanted: losing a file orders nothing.
    """
    if held is None:
        return "there is no certificate yet"
    if held.key != request.key:
        return "the certificate is for another key"
    if set(held.names) != set(request.names):
        return f"the certificate is for {', '.join(held.names) or 'no name'}"
    if held.self_signed:
        return "the certificate is self-signed"
    if now >= held.not_after:
        return f"the certificate expired at {held.not_after:%Y-%m-%d %H:%M} UTC"
    if issued.digest != held.digest or not issued.directory:
        return ""
    if issued.directory != wanted.directory:
        return f"the certificate is of another CA ({issued.directory})"
    if issued.profile != wanted.profile:
        return f"the certificate has the profile {issued.profile or 'that the CA chose'}"
    return ""


def due_by_life(held: Certificate) -> datetime:
    """When a third of its life is left; of a short life, half."""
    return held.not_after - held.life / (2 if held.life < SHORT_LIFE else 3)


def due(held: Certificate, suggested: datetime | None) -> datetime:
    """When the certificate is to be renewed.

    `suggested` is the moment that the authority suggests (ARI, RFC 9773), if it does. It counts as long as it
    is before the last sixth of the certificate's life, so that a wrong suggestion lets no certificate expire.
    """
    return due_by_life(held) if suggested is None else min(suggested, warning_from(held))


def warning_from(held: Certificate) -> datetime:
    """When less than one sixth of its life is left."""
    return held.not_after - held.life / WARNING_SHARE
