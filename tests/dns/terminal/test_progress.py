"""Progress as lines, if there is no terminal."""

from __future__ import annotations

import io

from dns.terminal import progress
from dns.world.nameservers import Server
from dns.world.progress import Progress


def test_without_a_terminal_the_progress_is_lines() -> None:
    out = io.StringIO()
    one, other = Server("ns1.test", "192.0.2.1"), Server("ns2.test", "192.0.2.2")
    with progress.display("asking", out) as show:
        show({one: Progress(one, 3, 3), other: Progress(other, 1, 3, "e.test MX: missing")})
        show({one: Progress(one, 3, 3), other: Progress(other, 3, 3)})
    assert out.getvalue().splitlines() == [
        "asking",
        "  ns1.test (192.0.2.1): answers",
        "  ns2.test (192.0.2.2): answers",
    ]
