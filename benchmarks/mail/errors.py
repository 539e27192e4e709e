"""What ends a measurement."""

from __future__ import annotations


class Broken(Exception):
    """One line for people: what is missing or wrong, so that no number may be used."""
