"""The TLS context for STARTTLS. It is made again when the certificate's files change, without a restart.

It offers TLS 1.2 and later, with suites that have forward secrecy and authenticated encryption. If changed
files cannot be used, that is logged and the last good context stays.

Certificate and key are two files, and both change if the host goes to another key. Whoever reads one before
the change and the other after it has two that do not belong together. So they are read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from receiver.config.values import TLSFiles
from receiver.system.journal import log
from receiver.validity import not_after

_CHECK_EVERY = 1.0  # seconds between checks for changed files
_START_TRIES = 40  # of a start with files that cannot be used; a count, because a host may stand still
_PAUSE = 0.05  # seconds between two of them
_MOST_READINGS = 5  # of files that change while they are read; a process that serves does not wait in between

# In the order of our choice. A sender that knows TLS 1.2 with our kind of key has had one of these: RFC 5289
# brought them together with the suites without authenticated encryption that NCSC-NL has phased out.
_SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
# OpenSSL's level of 128 bits: no SHA-224 in a handshake. A chain with RSA of 2048 bits cannot be had with it.
_STRICT = ":@SECLEVEL=3"
_WEAK_CHAIN = ("EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK")

Stamp = tuple[tuple[int, int, int], ...]  # of each file: time of modification in ns, inode, size


class CertificateError(Exception):
    """The certificate cannot be used. `str(e)` has the key of the configuration, the file and the reason."""


@dataclass(frozen=True, slots=True)
class InUse:
    """The certificate in use: the SHA-256 of its DER in hexadecimal, and when it ends (RFC 3339, UTC)."""

    sha256: str
    expires: str | None
    """None if its time cannot be read."""


class Certificate:
    """A certificate and its key. The constructor raises CertificateError if the files cannot be used."""

    def __init__(self, files: TLSFiles) -> None:
        self._files = files
        self._stamp, (self._context, self.in_use) = _load_at_start(files)
        self._checked_at = time.monotonic()
        self.when_loaded: Callable[[], None] = lambda: None
        """Called after other files have come into use."""

    def context(self) -> ssl.SSLContext:
        """The context for the next handshake."""
        if time.monotonic() - self._checked_at >= _CHECK_EVERY:
            self.reload(only_if_changed=True)
        return self._context

    def reload(self, *, only_if_changed: bool = False) -> None:
        """Read the files again. Logs what is wrong with them, and raises nothing."""
        self._checked_at = time.monotonic()
        try:
            stamp = _stamp(self._files)
            if only_if_changed and stamp == self._stamp:
                return
            self._stamp = stamp
            self._stamp, (self._context, self.in_use) = _load_unchanged(self._files)
        except CertificateError as error:
            log("certificate", error=error, note="the last good one stays in use")
        else:
            log("certificate", reloaded=self._files.certificate)
            self.when_loaded()


def _load_at_start(files: TLSFiles) -> tuple[Stamp, tuple[ssl.SSLContext, InUse]]:
    """Load the files. If they cannot be used, somebody may be changing them, so they get a little time.

    Blocks for about two seconds at most. Raises CertificateError.
    """
    for _ in range(_START_TRIES - 1):
        with contextlib.suppress(CertificateError):
            return _load_unchanged(files)
        time.sleep(_PAUSE)
    return _load_unchanged(files)


def _load_unchanged(files: TLSFiles) -> tuple[Stamp, tuple[ssl.SSLContext, InUse]]:
    """Load the files, again if they have changed meanwhile. Never waits. Raises CertificateError."""
    for reading in range(1, _MOST_READINGS + 1):
        before = _stamp(files)
        try:
            loaded = _load(files)
        except CertificateError:
            if reading == _MOST_READINGS or _stamp(files) == before:
                raise
        else:
            if reading == _MOST_READINGS or _stamp(files) == before:
                return before, loaded
    raise AssertionError("the last reading returns or raises")


def _stamp(files: TLSFiles) -> Stamp:
    states = []
    for key, path in (("certificate", files.certificate), ("key", files.key)):
        try:
            states.append(path.stat())
            path.open("rb").close()
        except OSError as error:
            raise CertificateError(f"tls.{key}: {path}: {error.strerror}") from None
    return tuple((state.st_mtime_ns, state.st_ino, state.st_size) for state in states)


def _load(files: TLSFiles) -> tuple[ssl.SSLContext, InUse]:
    try:
        # The first certificate of the file is ours, and the others are its chain. If the file changes before
        # OpenSSL reads it, its stamp changes too, and it is read again.
        pem = files.certificate.read_text("ascii", "replace")
        try:
            context = _context(files, _SUITES + _STRICT)
        except ssl.SSLError as error:
            if error.reason not in _WEAK_CHAIN:
                raise
            context = _context(files, _SUITES)
    except ssl.SSLError as error:
        reason = (
            "do not belong together"
            if "MISMATCH" in (error.reason or "")
            else f"cannot be used ({error.reason})"
        )
        raise CertificateError(f"tls: {files.certificate} and {files.key}: {reason}") from None
    except OSError as error:
        raise CertificateError(f"tls: {error.filename or files.certificate}: {error.strerror}") from None
    return context, _in_use(pem)


def _context(files: TLSFiles, suites: str) -> ssl.SSLContext:
    """Make a context with these files. Raises ssl.SSLError or OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    # With TLS 1.3 no session is resumed. The two tickets of a handshake cost more than a resumption saves
    # (docs/notes/performance.md), and Microsoft's senders have failed on resumption (mox, issue 237).
    context.num_tickets = 0
    context.set_ciphers(suites)
    # Without a password, OpenSSL would ask for one on the terminal.
    context.load_cert_chain(files.certificate, files.key, password=lambda: "")
    return context


def _in_use(pem: str) -> InUse:
    """The first certificate of a PEM file that OpenSSL has accepted."""
    head, foot = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    body = pem.partition(head)[2].partition(foot)[0]
    try:
        der = ssl.PEM_cert_to_DER_cert(f"{head}\n{body.strip()}\n{foot}")
    except ValueError:  # OpenSSL also takes TRUSTED CERTIFICATE and headers before the base64.
        der = pem.encode()
    return InUse(hashlib.sha256(der).hexdigest(), not_after(der))
