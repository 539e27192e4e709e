"""How port 25 greets, seen on the host itself: the program that connects there, and the answer as a value.

Only a greeting proves that the service runs. systemd calls a service active that crashes at every start.
"""

from __future__ import annotations

from dataclasses import dataclass

READ_GREETING = '''\
import socket
def read_greeting(address, seconds):
    """The first line that port 25 of the address sends, empty if it hangs up. Raises OSError."""
    with socket.create_connection((address, 25), seconds) as connection:
        connection.settimeout(seconds)
        return connection.makefile("rb").readline(600).decode("ascii", "replace").strip()
'''
"""Python for the host, which has no more than the standard library. Programs that run there begin with it."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """The first line of a greeting (RFC 5321, 4.2): its reply code, and the text that follows.

    `dns.world.greeting` has a value of the same name. Nothing in this folder may import it (see `__init__`).
    """

    code: int
    """0 if the line is no reply."""
    text: str

    @property
    def name(self) -> str:
        """The name that it greets by: the first word, or empty if there is none."""
        return next(iter(self.text.split()), "")


def parse_greeting(line: str) -> Greeting:
    """Read `220 mx1.example.com ESMTP`, or the first line of several, `220-mx1.example.com ESMTP`."""
    code, separator, text = line[:3], line[3:4], line[4:]
    if len(code) == 3 and code.isdecimal() and separator in ("", " ", "-"):
        return Greeting(int(code), text)
    return Greeting(0, line)
