"""Stages on the terminal: each on its own line, with what it is doing and the time it took.

On a terminal the lines are live; elsewhere a line is written when a stage begins that takes long, and
one when it ends.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

WIDTH = 26  # of a stage's name


class _Elapsed(ProgressColumn):
    def render(self, task: Task) -> Text:
        elapsed = task.finished_time if task.finished else task.elapsed
        return Text(f"{elapsed or 0:6.1f} s", style="dim")


class _Mark(SpinnerColumn):
    def render(self, task: Task) -> Text:
        if task.fields["failed"]:
            return Text("✗", style="bold red")
        if task.finished:
            return Text("✓", style="bold green")
        rendered = super().render(task)
        return rendered if isinstance(rendered, Text) else Text(" ")


class _Bar(BarColumn):
    def render(self, task: Task) -> object:  # type: ignore[override]
        return super().render(task) if task.fields["measured"] and not task.finished else Text("")


@dataclass(slots=True)
class Stage:
    """A stage that is under way."""

    display: "Display"
    name: str
    began: float
    task: int | None = None
    said: str = ""

    def say(self, doing: str, share: float | None = None) -> None:
        """What it is doing now, and how much of it is done (0 to 1) where that is known."""
        self.said = doing
        if self.task is not None:
            measured = {} if share is None else {"completed": share, "measured": True}
            self.display.live.update(self.task, doing=doing, **measured)  # type: ignore[arg-type]


class Display:
    """Where stages are shown. ``with display.stage("Target") as stage: stage.say("boots")``."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self.live = Progress(
            _Mark(),
            TextColumn(f"{{task.description:<{WIDTH}}}"),
            _Elapsed(),
            _Bar(bar_width=24),
            TextColumn("[dim]{task.fields[doing]}"),
            console=self.console,
        )

    def note(self, text: str) -> None:
        """A line that is no stage."""
        self.console.print(f"  {text}", markup=False)

    @contextmanager
    def stage(self, name: str, doing: str = "") -> Iterator[Stage]:
        """Show a stage for as long as the block runs; it fails if the block raises."""
        stage = Stage(self, name, time.monotonic(), said=doing)
        if not self.console.is_terminal:
            try:
                yield stage
            except BaseException:
                self._line("✗", stage)
                raise
            self._line("✓", stage)
            return
        alone = not self.live.live.is_started
        if alone:
            self.live.start()
        stage.task = self.live.add_task(name, total=1.0, doing=doing, measured=False, failed=False)
        try:
            yield stage
        except BaseException:
            self.live.update(stage.task, failed=True)
            self.live.stop_task(stage.task)
            raise
        else:
            self.live.update(stage.task, completed=1.0, doing=stage.said)
        finally:
            if alone:
                self._settle()

    def _settle(self) -> None:
        """Leave the finished lines on the screen, and begin anew below them."""
        self.live.refresh()
        self.live.stop()
        for task in list(self.live.task_ids):
            self.live.remove_task(task)

    def _line(self, mark: str, stage: Stage) -> None:
        elapsed = time.monotonic() - stage.began
        self.console.print(
            f"{mark} {stage.name:<{WIDTH}} {elapsed:6.1f} s  {stage.said}".rstrip(),
            markup=False,
            soft_wrap=True,
        )
