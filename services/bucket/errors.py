"""Why the program cannot run, and why a request failed."""

from __future__ import annotations


class BucketError(Exception):
    """The program cannot run. Each of `problems` is one line for the user: thing, cause and fix."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RequestError(Exception):
    """A request failed: `code` is its errno, and `str` is one line without a secret."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code
