"""A certificate authority by ACME (RFC 8555), with EFF's `acme`: its directory, our account, its suggestions.

Three habits of `acme` are not ours. It tries a refused nonce again only once. It forgets the Retry-After of a
refusal. It takes a Retry-After that is a date for local time.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import josepy as jose
import requests
from acme import client, errors, messages
from josepy.jwa import ES256
from josepy.jwk import JWKEC

from services.renewal.cloudflare import reason
from services.renewal.errors import RenewalError
from services.renewal.problems import clock_error, code_of, in_words, may_try_again, parse_retry_after

MOST_NONCES = 10  # for one request; a refused nonce is no refusal of the request (RFC 8555, 6.5)
SECONDS = 30  # for one answer
ASK_AGAIN = timedelta(hours=6)  # for a suggestion, if the authority does not say (RFC 9773, 4.3)
_NEEDED = ("newNonce", "newAccount", "newOrder")


class _Network(client.ClientNetwork):
    """The requests. Keeps the Date of the last answer, and the Retry-After of the last refusal."""

    date: str | None = None
    retry_after: datetime | None = None

    def _send_request(self, method: str, url: str, *args: Any, **more: Any) -> requests.Response:
        answer = super()._send_request(method, url, *args, **more)
        self.date = answer.headers.get("Date")
        after = answer.headers.get("Retry-After") if answer.status_code >= 400 else None
        self.retry_after = parse_retry_after(after, datetime.now(UTC))
        return answer

    def post(self, *args: Any, **more: Any) -> requests.Response:
        for left in reversed(range(MOST_NONCES)):
            try:
                return self._post_once(*args, **more)
            except messages.Error as error:
                if error.code != "badNonce" or not left:
                    raise
        raise AssertionError("unreachable")


class _Client(client.ClientV2):
    @classmethod
    def retry_after(cls, response: requests.Response, default: int) -> datetime:
        """When to ask again, in local time without a zone, as `acme` compares it."""
        now = datetime.now(UTC)
        at = parse_retry_after(response.headers.get("Retry-After"), now) or now + timedelta(seconds=default)
        return at.astimezone().replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority whose directory was read. `key` is our account's."""

    url: str
    client: client.ClientV2
    network: _Network
    key: JWKEC

    def check_profile(self, profile: str) -> None:
        """Raises RenewalError if the authority does not offer the profile. An empty one is its own choice."""
        offered = self.client.directory.meta.profiles or {}
        if profile and profile not in offered:
            names = ", ".join(sorted(offered)) or "none"
            raise RenewalError(
                f"the CA does not know the profile {profile} (it offers: {names}): correct "
                "certificate_profile in the inventory, or leave it out",
                is_wrong=True,
            )

    @property
    def identities(self) -> tuple[str, ...]:
        """Its names in CAA records (RFC 8555, section 7.1.1). Empty if it does not say."""
        said = self.client.directory.meta.caa_identities
        found = said if isinstance(said, list | tuple) else ()
        return tuple(name for name in found if isinstance(name, str))

    def log_in(self) -> str:
        """The URI of our account, which is made if it is not there. Accepts the authority's terms.

        Raises RenewalError. An authority that has forgotten the account gets a new one with the same key. A
        second call in the same run asks nothing.
        """
        if self.network.account is not None:
            return str(self.network.account.uri)
        with self.refusals():
            wanted = messages.NewRegistration.from_data(terms_of_service_agreed=True)
            try:
                return str(self.client.new_account(wanted).uri)
            except errors.ConflictError as known:
                self.network.account = messages.RegistrationResource(
                    body=messages.Registration(), uri=known.location
                )
                return known.location

    def suggestion(self, certificate: bytes) -> tuple[datetime | None, datetime, str]:
        """When to renew the certificate, as the authority suggests (ARI, RFC 9773), and when to ask again.

        The third value says in words why there is no suggestion. No fault of this part may stop a renewal, so
        none is raised.
        """
        try:
            at, ask = self.client.renewal_time(certificate)
        except Exception as error:
            again = getattr(error, "retry_after", None) or datetime.now() + ASK_AGAIN  # noqa: DTZ005 - as acme
            return None, again.astimezone(UTC), f"the CA suggested no time ({_told(error)})"
        return at and at.astimezone(UTC), ask.astimezone(UTC), ""

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Raise RenewalError for whatever goes wrong between the authority and us inside this context."""
        try:
            yield
        except messages.Error as error:
            raise self._refused(error) from None
        except errors.IssuanceError as error:
            raise self._refused(error.error) from None
        except errors.ValidationError as failed:
            raise _not_validated(failed) from None
        except errors.TimeoutError:
            raise RenewalError("the CA did not finish the order in time: the next run tries again") from None
        except requests.RequestException as error:
            raise unreachable(self.url, error) from None
        except (errors.Error, jose.errors.Error, ValueError, KeyError) as error:
            raise RenewalError(
                f"the CA ({self.url}) gave an answer that is not ACME ({_told(error)}): the next run tries "
                "again",
                retry_after=self.network.retry_after,
            ) from None

    def _refused(self, error: messages.Error) -> RenewalError:
        after = self.network.retry_after
        details = [error.detail or error.title or "", *(str(each.detail) for each in error.subproblems or ())]
        return RenewalError(
            in_words(error.typ, "; ".join(details), after),
            again=may_try_again(error.typ) and after is None,
            retry_after=after,
        )


def connect(url: str, key: JWKEC, trusted: Path | None) -> Authority:
    """Read the directory at this URL. Raises RenewalError if there is none, or if a clock is wrong.

    `trusted` is a PEM file of the certificates that the authority's HTTPS is verified with, in place of those
    that this host trusts.
    """
    if not url.startswith("https://"):
        raise RenewalError(
            f"{url} is not the URL of an ACME directory, which begins with https:// (RFC 8555, 6.1)",
            is_wrong=True,
        )
    if trusted is not None and not trusted.is_file():
        raise RenewalError(f"the file of trusted certificates {trusted} is missing: correct its path")
    network = _Network(
        key,
        alg=ES256,
        verify_ssl=str(trusted) if trusted else _of_the_host(),  # type: ignore[arg-type]  # as requests has it
        user_agent="letterbox-certificate",
        timeout=SECONDS,
    )
    try:
        found = network.get(url).json()
    except requests.RequestException as error:
        raise unreachable(url, error) from None
    except (errors.Error, messages.Error, ValueError) as error:
        raise RenewalError(
            f"{url} is not the URL of an ACME directory ({_told(error)}): correct certificate in the "
            "inventory, or wait if the CA is out of order",
            retry_after=network.retry_after,
            is_wrong=_is_no_directory(error),
        ) from None
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) for name in _NEEDED):
        raise RenewalError(
            f"{url} is not the URL of an ACME directory (RFC 8555, 7.1.1): correct it", is_wrong=True
        )
    if wrong := clock_error(network.date, datetime.now(UTC)):
        raise RenewalError(wrong)
    try:
        directory = messages.Directory.from_json(found)
    except (jose.errors.Error, ValueError, TypeError, AttributeError) as error:
        raise RenewalError(f"{url} is an ACME directory with unusable data ({_told(error)})") from None
    return Authority(url, _Client(directory, network), network, key)


def _is_no_directory(error: Exception) -> bool:
    """Whether the answer tells that there is no directory. One that is out of order may be there later."""
    answer = next((each for each in error.args if isinstance(each, requests.Response)), None)
    return answer is not None and answer.status_code in (404, 410)


def _of_the_host() -> str | bool:
    """The certificates that this host trusts, so that it may trust a CA of one's own. If none, certifi's."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return paths.cafile
    return paths.capath if paths.capath and any(Path(paths.capath).iterdir()) else True


def unreachable(url: str, error: requests.RequestException) -> RenewalError:
    """The authority could not be asked, and why."""
    clock = ""
    if isinstance(error, requests.exceptions.SSLError):
        clock = f" (this host's clock says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: is that right?)"
    return RenewalError(
        f"the CA ({url}) cannot be reached ({reason(error)}){clock}: the next run tries again; check the "
        "host's network, if that goes on"
    )


def _not_validated(failed: errors.ValidationError) -> RenewalError:
    found = [
        (each.body.identifier.value, challenge.error)
        for each in failed.failed_authzrs
        for challenge in each.body.challenges
        if challenge.error is not None
    ]
    said = [f"{name}: {in_words(error.typ, error.detail or '', None)}" for name, error in found]
    return RenewalError("; ".join(said), again=all(code_of(error.typ) != "caa" for _, error in found))


def _told(error: BaseException) -> str:
    """What an error of `acme` says, in a few words. It often holds a whole response, or nothing."""
    cause = error.__cause__ or error
    if isinstance(cause, messages.Error):
        return f"{code_of(cause.typ)}: {' '.join(str(cause.detail).split())[:160]}"
    if isinstance(cause, requests.RequestException):
        return reason(cause)
    if cause.args and isinstance(cause.args[0], requests.Response):
        return f"HTTP {cause.args[0].status_code}"
    return " ".join(str(cause).split())[:160] or type(cause).__name__
