"""The bucket of a fleet: tried before anything changes, its units, its key, and the promise that a 250 makes.

Its units are no part of a generation. The receiver says 451 while they do not answer, and loses nothing.
"""
