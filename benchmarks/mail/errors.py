"""The error that ends a measurement."""

from __future__ import annotations


class Broken(Exception):
    """Something is missing or wrong, so no number may be used. `str(e)` is a line for people."""
