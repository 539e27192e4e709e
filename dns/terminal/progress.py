"""How far the nameservers are, shown while it is waited for them: live on a terminal, else in lines."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from dns.world.served import Progress, Server

Show = Callable[[Mapping[Server, Progress]], None]


@contextmanager
def shown(title: str, stream: TextIO | None = None, *, in_lines: bool = True) -> Iterator[Show]:
    """A function that shows what is known, for as long as the block runs.

    Where there is no terminal it is shown in lines, or not at all if not ``in_lines``.
    """
    out = sys.stderr if stream is None else stream
    if not (in_lines or out.isatty()):
        yield lambda known: None
    elif out.isatty():
        with _live(title, out) as show:
            yield show
    else:
        yield _in_lines(title, out)


def _in_lines(title: str, out: TextIO) -> Show:
    done: set[Server] = set()
    print(title, file=out, flush=True)

    def show(known: Mapping[Server, Progress]) -> None:
        for server, progress in known.items():
            if progress.done and server not in done:
                done.add(server)
                print(f"  {server.name} ({server.address}): answers", file=out, flush=True)

    return show


@contextmanager
def _live(title: str, out: TextIO) -> Iterator[Show]:
    from rich.console import Console, Group  # late: only for a terminal
    from rich.live import Live
    from rich.spinner import Spinner
    from rich.table import Table

    console = Console(file=out)
    spinner = Spinner("dots", title)

    def table(known: Mapping[Server, Progress]) -> Group:
        grid = Table.grid(padding=(0, 2))
        for server, progress in known.items():
            state = "[green]answers[/]" if progress.done else f"[yellow]{progress.lacking}[/]"
            grid.add_row(f"  {server.name} ({server.address})", f"{progress.good}/{progress.asked}", state)
        return Group(spinner, grid)

    with Live(table({}), console=console, refresh_per_second=8) as live:
        yield lambda known: live.update(table(known))
