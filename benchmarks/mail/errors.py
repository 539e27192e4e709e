"""What ends a measurement."""


class Broken(Exception):
    """One line for people: what is missing or wrong, so that no number may be used."""
