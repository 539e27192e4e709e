"""The keys of a host and the certificate in use: made, kept, put right, and changed by rekey.py.

A key outlives every certificate, because senders that do DANE know the key (RFC 7672). It is made if there is
none, never because a certificate is old. Beside the key in use lies the next one, so that its TLSA record can
stand before the key is used. Each key has a folder with its certificate, and one rename of the link `current`
changes both for the service.
"""

from __future__ import annotations
