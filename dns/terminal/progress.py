"""Showing how far it is with asking servers: live on a terminal, else as lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from dns.terminal.colour import is_live
from dns.world.nameservers import Server
from dns.world.progress import OnProgress, Progress, ignore


@contextmanager
def display(title: str, stream: TextIO | None = None, *, as_lines: bool = True) -> Iterator[OnProgress]:
    """Give a function that shows progress for as long as the block runs, on stderr by default.

    If there is no terminal, progress is shown as lines, or not at all if not `as_lines`.
    """
    out = sys.stderr if stream is None else stream
    if is_live(out):
        with _live(title, out) as on_progress:
            yield on_progress
    elif as_lines:
        yield _lines(title, out)
    else:
        yield ignore


def _lines(title: str, out: TextIO) -> OnProgress:
    done: set[Server] = set()
    print(title, file=out, flush=True)

    def write(known: Mapping[Server, Progress]) -> None:
        for server, progress in known.items():
            if progress.done and server not in done:
                done.add(server)
                print(f"  {server}: answers", file=out, flush=True)

    return write


@contextmanager
def _live(title: str, out: TextIO) -> Iterator[OnProgress]:
    from rich.console import Console, Group  # late: rich takes 70 ms to import, and only a terminal needs it
    from rich.live import Live
    from rich.markup import escape
    from rich.spinner import Spinner
    from rich.table import Table

    console = Console(file=out)
    spinner = Spinner("dots", title)

    def table(known: Mapping[Server, Progress]) -> Group:
        grid = Table.grid(padding=(0, 2))
        for server, progress in known.items():
            state = "[green]answers[/]" if progress.done else f"[yellow]{escape(progress.problem)}[/]"
            grid.add_row(f"  {server}", f"{progress.good}/{progress.asked}", state)
        return Group(spinner, grid)

    with Live(table({}), console=console, refresh_per_second=8) as live:
        yield lambda known: live.update(table(known))
