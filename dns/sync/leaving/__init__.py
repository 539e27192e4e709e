"""What goes, and when: old names of mail hosts, and the mail of a domain that is withdrawn."""

from __future__ import annotations
