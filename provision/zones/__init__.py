"""The zones of a deploy: read before any host is touched, changed once for all hosts, as its last step."""

from __future__ import annotations
