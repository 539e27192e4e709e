"""Names that systemd-resolved asks no nameserver for, as it says NoNameServers for them.

It answers some of them itself if it may: its own host's name, localhost, the addresses of loopback, `invalid`
(RFC 6761). It leaves `local` to multicast DNS, and a single label and the names of link-local addresses to
LLMNR. No nameserver of the world has any of these.
"""

from __future__ import annotations

import re

# A single label; `local` (RFC 6762 section 3); the reverse names of 169.254.0.0/16 and fe80::/10 (section 4).
_NEVER_PUBLIC = re.compile(r"[^.]*|.*\.local|.*\.254\.169\.in-addr\.arpa|.*\.[89ab]\.e\.f\.ip6\.arpa")


def is_never_public(name: str) -> bool:
    """Whether no nameserver of the world has this name. It is in lower case, without a final dot."""
    return _NEVER_PUBLIC.fullmatch(name) is not None
