"""The TLS context for STARTTLS. It is made again when the certificate's files change, without a restart.

It offers TLS 1.2 and later. If changed files cannot be used, that is logged and the last good context stays.
"""

from __future__ import annotations

import ssl
import time

from receiver.config.values import TLSFiles
from receiver.system.journal import log

_CHECK_EVERY = 1.0  # seconds between checks for changed files

Stamp = tuple[tuple[int, int, int], ...]  # of each file: time of modification in ns, inode, size


class CertificateError(Exception):
    """The certificate cannot be used. `str(e)` has the key of the configuration, the file and the reason."""


class Certificate:
    """A certificate and its key. The constructor raises CertificateError if the files cannot be used."""

    def __init__(self, files: TLSFiles) -> None:
        self._files = files
        self._stamp = _stamp(files)
        self._context = _load(files)
        self._checked_at = time.monotonic()

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
            self._context = _load(self._files)
        except CertificateError as error:
            log("certificate", error=error, note="the last good one stays in use")
        else:
            log("certificate", reloaded=self._files.certificate)


def _stamp(files: TLSFiles) -> Stamp:
    states = []
    for key, path in (("certificate", files.certificate), ("key", files.key)):
        try:
            states.append(path.stat())
            path.open("rb").close()
        except OSError as error:
            raise CertificateError(f"tls.{key}: {path}: {error.strerror}") from None
    return tuple((state.st_mtime_ns, state.st_ino, state.st_size) for state in states)


def _load(files: TLSFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        # Without a password, OpenSSL would ask for one on the terminal.
        context.load_cert_chain(files.certificate, files.key, password=lambda: "")
    except ssl.SSLError as error:
        reason = (
            "do not belong together"
            if "MISMATCH" in (error.reason or "")
            else f"cannot be used ({error.reason})"
        )
        raise CertificateError(f"tls: {files.certificate} and {files.key}: {reason}") from None
    except OSError as error:
        raise CertificateError(f"tls: {error.filename or files.certificate}: {error.strerror}") from None
    return context
