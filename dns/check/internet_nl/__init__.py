"""The receiving side of internet.nl's mail test, point by point (release 1.11, April 2026).

TLS is judged by hellos that this folder writes and reads itself, in the clear: no cryptography is done here.
sslyze, which the test itself uses, is under the AGPL, brings OpenSSL 1.0.2 and 1.1.1 of its own, and opens
hundreds of connections. Python's ssl cannot offer what the OpenSSL of this machine leaves out, as SSL 3.0.
"""

from __future__ import annotations

from dns.check.internet_nl.examination import examine
from dns.check.internet_nl.table import lines, to_json

__all__ = ["examine", "lines", "to_json"]
