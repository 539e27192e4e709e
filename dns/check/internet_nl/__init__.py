"""The receiving side of internet.nl's mail test, point by point (release 1.11, April 2026).

TLS is judged by hellos that this folder writes and reads itself, in the clear: no cryptography is done here.
sslyze, which the test itself uses, is under the AGPL, carries an OpenSSL of 2016, and opens hundreds of
connections. Python's ssl cannot offer what the OpenSSL of this machine leaves out, such as SSL 3.0.
"""

from __future__ import annotations

from dns.check.internet_nl.examination import examine
from dns.check.internet_nl.table import lines, to_json

__all__ = ["examine", "lines", "to_json"]
