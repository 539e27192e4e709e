"""Whether a sender that verifies accepts the certificate of a mail host (RFC 8461, section 4.2; RFC 5280).

What this machine trusts decides: the system's authorities, with the file that SSL_CERT_FILE names.
"""

from __future__ import annotations

import base64
import ssl
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import verification

from dns.errors import SyncError

DAYS = 5
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
_STAGING = "(STAGING)"  # in the names of Let's Encrypt's staging authorities

_Certificate = x509.Certificate


def problem_with(hostname: str, chain: Sequence[str], now: datetime, *, days: int = DAYS) -> str:
    """Why a sender that verifies refuses this chain, now or within `days`. Empty if it accepts it.

    `chain` has the certificates that the host serves, its own first, each in DER and base64. The words are a
    clause, such as "its certificate is self-signed". A certificate that lives for less than three times
    `days` must be good for a third of its life only: it is renewed when half of it is left. Raises SyncError,
    with the fix, if this machine trusts no authority: then it cannot be told.
    """
    roots = trusted()
    if not chain:
        return "its port 25 serves no certificate"
    try:
        own, *more = [x509.load_der_x509_certificate(base64.b64decode(each, validate=True)) for each in chain]
    except ValueError as error:
        return f"its port 25 serves a certificate that cannot be read ({' '.join(str(error).split())})"
    life = own.not_valid_after_utc - own.not_valid_before_utc
    until = now + min(timedelta(days=days), life / 3)
    refusals = [_refusal(hostname, own, more, roots, moment) for moment in (now, until)]
    if not any(refusals):
        return ""
    return (
        _wrong_time(own, "its certificate", now, until)
        or _wrong_name(hostname, own)
        or _untrusted(own, more, roots, now, until)
        or f"its certificate is refused ({next(filter(None, refusals))})"
    )


def _refusal(
    hostname: str,
    own: _Certificate,
    more: Sequence[_Certificate],
    roots: Sequence[_Certificate],
    moment: datetime,
) -> str:
    """Why the library refuses the chain at this moment. Empty if it does not."""
    policy = verification.PolicyBuilder().store(verification.Store(list(roots))).time(moment)
    try:
        policy.build_server_verifier(x509.DNSName(hostname)).verify(own, list(more))
    except (verification.VerificationError, ValueError, x509.DuplicateExtension) as error:
        return " ".join(str(error).split()) or type(error).__name__
    return ""


def _wrong_time(one: _Certificate, called: str, now: datetime, until: datetime) -> str:
    first, last = one.not_valid_before_utc, one.not_valid_after_utc
    if now > last:
        return f"{called} ran out on {last:%Y-%m-%d}"
    if now < first:
        return f"{called} is good only from {first:%Y-%m-%d %H:%M} UTC on"
    return f"{called} runs out soon, on {last:%Y-%m-%d %H:%M} UTC" if until > last else ""


def _wrong_name(hostname: str, own: _Certificate) -> str:
    names = _names(own)
    parent = hostname.partition(".")[2]
    # A sender takes one label for the asterisk (RFC 8461, section 4.2; RFC 6125, section 6.4.3).
    if hostname in names or f"*.{parent}" in names:
        return ""
    return f"its certificate is for {', '.join(names) or 'no host'}, and not for {hostname}"


def _names(own: _Certificate) -> list[str]:
    try:
        found = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []
    return [name.lower() for name in found.get_values_for_type(x509.DNSName)]


def _untrusted(
    own: _Certificate,
    more: Sequence[_Certificate],
    roots: Sequence[_Certificate],
    now: datetime,
    until: datetime,
) -> str:
    """What is wrong on the way from the certificate to an authority that is trusted."""
    if _signed_by(own, own):
        return "its certificate is self-signed"
    if _STAGING in _called(own.issuer):
        return f"its certificate is a test one ({_called(own.issuer)}), which nobody trusts"
    one, left = own, list(more)
    while not any(_signed_by(one, root) for root in roots):
        issuer = next((each for each in left if _signed_by(one, each)), None)
        if issuer is None:
            if one is own:
                return (
                    f"its certificate is served without that of its issuer ({_called(own.issuer)}), which "
                    "this machine does not trust itself"
                )
            return f"its certificate is of {_called(one.issuer)}, which this machine does not trust"
        if wrong := _wrong_time(issuer, f"the certificate of its issuer ({_called(own.issuer)})", now, until):
            return wrong
        left.remove(issuer)
        one = issuer
    return ""


def _signed_by(one: _Certificate, issuer: _Certificate) -> bool:
    if one.issuer != issuer.subject:
        return False
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _called(name: x509.Name) -> str:
    """The authority's organisation and common name, as far as it has them."""
    words = [
        str(each.value)
        for kind in (x509.NameOID.ORGANIZATION_NAME, x509.NameOID.COMMON_NAME)
        for each in name.get_attributes_for_oid(kind)
    ]
    return " ".join(words) or name.rfc4514_string() or "an authority without a name"


def trusted() -> tuple[_Certificate, ...]:
    """The authorities that this machine trusts, as OpenSSL finds them. Raises SyncError if there are none."""
    paths = ssl.get_default_verify_paths()
    found = [Path(paths.cafile)] if paths.cafile else []
    found += sorted(Path(paths.capath).glob("*")) if paths.capath else []
    files = [path for path in found if path.is_file()]
    roots = _read(tuple((str(path), path.stat().st_mtime_ns) for path in files))
    if not roots:
        raise SyncError(
            "whether others trust a certificate cannot be told, because this machine trusts no authority: "
            "install the package ca-certificates, or let SSL_CERT_FILE name a PEM file"
        )
    return roots


@lru_cache(maxsize=8)
def _read(files: tuple[tuple[str, int], ...]) -> tuple[_Certificate, ...]:
    """Each certificate of the files once. `files` are their paths and when they changed."""
    return tuple(dict.fromkeys(one for path, _ in files for one in _in_file(Path(path))))


def _in_file(path: Path) -> Iterable[_Certificate]:
    """The certificates of a PEM file. One that cannot be read, as some systems bring, is left out."""
    try:
        content = path.read_bytes()
    except OSError:
        return
    for part in content.split(_BEGIN)[1:]:
        body, end, _ = part.partition(_END)
        with suppress(ValueError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what a later release will not read
            if end:
                yield x509.load_pem_x509_certificate(_BEGIN + body + _END)
