"""The TLS context for STARTTLS, made again when the certificate's files change, without a restart.

TLS 1.2 or better. A changed certificate that cannot be used is logged, and the last good one stays.
"""

from __future__ import annotations

import ssl
import time

from receiver.config.values import TLSFiles
from receiver.system.journal import log

_LOOK_EVERY = 1.0  # seconds between looks at the files

Stamp = tuple[tuple[int, int, int], ...]


class CertificateError(Exception):
    """`str(e)`: the key of the configuration, the file and the reason."""


class Certificate:
    """Raises CertificateError when it is made and the files cannot be used."""

    def __init__(self, files: TLSFiles) -> None:
        self._files = files
        self._stamp = _stamp(files)
        self._context = _load(files)
        self._looked = time.monotonic()

    def context(self) -> ssl.SSLContext:
        """The context for the next handshake."""
        if time.monotonic() - self._looked >= _LOOK_EVERY:
            self.reload(only_if_changed=True)
        return self._context

    def reload(self, *, only_if_changed: bool = False) -> None:
        """Read the files again. What is wrong with them is logged, never raised."""
        self._looked = time.monotonic()
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
    looks = []
    for key, path in (("certificate", files.certificate), ("key", files.key)):
        try:
            looks.append(path.stat())
            path.open("rb").close()
        except OSError as error:
            raise CertificateError(f"tls.{key}: {path}: {error.strerror}") from None
    return tuple((look.st_mtime_ns, look.st_ino, look.st_size) for look in looks)


def _load(files: TLSFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        # A password must never be asked for on a terminal that is not there.
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
