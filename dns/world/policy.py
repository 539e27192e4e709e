"""The policy that a sender of mail gets for a domain: fetched as a sender does it (RFC 8461, section 3.3).

That is over HTTPS, with a certificate that is good for `mta-sts.DOMAIN`, with no redirect followed, and with
status 200 and type text/plain alone. Nothing is kept from one fetch to the next.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException, HTTPResponse, HTTPSConnection

from dns.errors import SyncError
from dns.mta_sts.policy import PATH, Served, parse, policy_host
from dns.records import ADDRESS_TYPES
from dns.world import delegation, nameservers
from dns.world.answers import Answer
from dns.world.vantage import VantagePoint

LONGEST = 64 * 1024  # octets; RFC 8461, section 3.2, lets a sender stop there
USER_AGENT = "letterbox"
"""Cloudflare's Browser Integrity Check refuses a request without one."""
_GUARDED = (401, 403, 429, 503)  # how a rule or a bot check in front of the Worker answers


def fetch(domain: str, vantage: VantagePoint, *, seconds: float = 30.0) -> Served:
    """Return what a sender gets that asks for the domain's policy now. Never raises.

    The look-up takes a few seconds at most, the rest `seconds`. The certificate is checked against the roots
    of the system, or those of SSL_CERT_FILE and SSL_CERT_DIR. Every address of the policy host is tried
    until one answers.
    """
    host = policy_host(domain)
    try:
        addresses, failure = _addresses(host, vantage)
        if not addresses:
            return Served(failure=failure) if failure else Served(absent=True)
        return _from_any(host, addresses, vantage.https_port, time.monotonic() + seconds)
    except Exception as error:
        return Served(failure=f"https://{host} could not be asked ({_reason(error)})")


def _addresses(host: str, vantage: VantagePoint) -> tuple[list[str], str]:
    """The addresses of the policy host. If there are none, why that is not certain, or an empty text."""
    answers = [vantage.resolve(host, kind) for kind in ADDRESS_TYPES]
    found = _values(answers)
    if found:
        return found, ""
    # A resolver keeps the absence of a name for as long as half an hour (RFC 2308), so it is not asked alone.
    try:
        zone = delegation.find(host, vantage.resolver, port=vantage.port)
        servers = delegation.locate(zone, vantage.resolver, port=vantage.port).servers
    except SyncError as error:
        return [], f"{host} could not be looked up ({error})"
    if not zone.nameservers:
        return [], ""
    answers = [nameservers.ask_any(servers, host, kind, vantage.port) for kind in ADDRESS_TYPES]
    for answer in answers:
        if reason := answer.failure() or (answer.alias and f"it leads to {answer.alias}"):
            return _values(answers), f"{host} could not be looked up ({reason})"
    return _values(answers), ""


def _values(answers: list[Answer]) -> list[str]:
    return [address for answer in answers for address in sorted(answer.values)]


def _from_any(host: str, addresses: list[str], port: int, late: float) -> Served:
    """What the first address serves that answers over HTTPS. Else why the first one did not."""
    failures: list[str] = []
    certificates: list[str] = []  # those of the failures that tell most: a server is there
    for number, address in enumerate(addresses):
        # The addresses that are left share the time that is left.
        until = time.monotonic() + max(0.1, (late - time.monotonic()) / (len(addresses) - number))
        try:
            with _closed_at(until) as watched:
                return _from_one(host, address, port, until, watched)
        except (OSError, HTTPException) as error:
            reason = _reason(error, timed_out=time.monotonic() >= until)
            failures.append(f"https://{host} at {address}: {reason}")
            if isinstance(error, ssl.SSLCertVerificationError):
                certificates.append(failures[-1])
    return Served(failure=[*certificates, *failures][0])


def _from_one(host: str, address: str, port: int, until: float, watched: list[socket.socket]) -> Served:
    """What this address serves. Raises OSError or HTTPException if it does not answer over HTTPS."""
    plain = socket.create_connection((address, port), timeout=_left(until))
    with plain, _encrypted(plain, host) as encrypted:
        watched.append(encrypted)
        encrypted.settimeout(_left(until))
        encrypted.do_handshake()
        connection = HTTPSConnection(host, port)
        connection.sock = encrypted
        connection.request("GET", PATH, headers={"Host": host, "User-Agent": USER_AGENT})
        with connection.getresponse() as response:
            return _judged(f"https://{host}{PATH}", response)


def _encrypted(plain: socket.socket, host: str) -> ssl.SSLSocket:
    """TLS over the connection, before its handshake.

    An answer that is cut off without the end of TLS (RFC 8446, 6.1) is an error, not a shorter policy.
    """
    return _trusting().wrap_socket(
        plain, server_hostname=host, do_handshake_on_connect=False, suppress_ragged_eofs=False
    )


def _judged(url: str, response: HTTPResponse) -> Served:
    """What a sender makes of the response (RFC 8461, sections 3.2 and 3.3)."""
    if response.status != 200:
        target = response.getheader("location")
        hint = " and a sender follows no redirect" if 300 <= response.status < 400 else ""
        hint = f" to {_line(target)}{hint}" if target else hint
        if response.status in _GUARDED and "cloudflare" in (response.getheader("server") or "").lower():
            hint = (
                ": a rule or a bot check of the zone is in front of the Worker (Security in the dashboard): "
                f"let {PATH} pass"
            )
        return Served(failure=f"{url} answers {response.status}{hint}")
    kind = (response.getheader("content-type") or "").partition(";")[0].strip().lower()
    if kind != "text/plain":
        return Served(failure=f"{url} is of type {_line(kind) or 'none'}, and must be text/plain")
    octets = response.read(LONGEST + 1)
    if len(octets) > LONGEST:
        return Served(failure=f"{url} is longer than {LONGEST // 1024} KiB")
    if response.length:
        return Served(failure=f"{url} ended {response.length} octets early")
    try:
        text = octets.decode()
        return Served(parse(text), text)
    except UnicodeDecodeError:
        return Served(failure=f"{url} is not in UTF-8")
    except ValueError as error:
        return Served(text=text, failure=f"{url} is no policy: {_line(str(error))}")


def _trusting() -> ssl.SSLContext:
    """A context with the roots of the system, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):
        # A Python that was built elsewhere knows no roots. httpx brings those of Mozilla.
        import httpx

        context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


@contextmanager
def _closed_at(until: float) -> Iterator[list[socket.socket]]:
    """Yield a list. The sockets in it are shut down at this moment, however slowly the other side sends."""
    watched: list[socket.socket] = []

    def shut_down() -> None:
        for each in reversed(watched):
            with suppress(OSError, ValueError):
                # The method of SSLSocket would begin a TLS shutdown in this thread.
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, until - time.monotonic()), shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield watched
    finally:
        timer.cancel()


def _left(until: float) -> float:
    """The seconds until then. Raises TimeoutError if none are left."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _reason(error: Exception, *, timed_out: bool = False) -> str:
    """Why an address did not answer, in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good for the name ({_line(error.verify_message)})"
    if timed_out or isinstance(error, TimeoutError):
        return "no whole answer came in time"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({_line(error.reason or str(error))})"
    return _line(str(error)) or type(error).__name__


def _line(text: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:160].rstrip(".")
