"""The key of our account with an authority."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.jwk import JWKEC

from services.renewal.errors import RenewalError
from services.renewal.state import write


def account_key(path: Path) -> JWKEC:
    """The key of our account, made if there is none. Raises RenewalError."""
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write(path, pem, 0o600)
    except OSError as error:
        raise RenewalError(f"the account's key {path} cannot be read ({error.strerror})") from None
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise RenewalError(
            f"{path} holds no key of an account: remove it, and the next run makes a new account"
        )
    return JWKEC(key=key)
