"""Stages of work for a person to watch: a line each, with what it is doing and the time it took.

On a terminal the lines are live. Elsewhere, a line is written when a stage ends, and when a long one begins.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
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
    """A stage that is under way, or done."""

    display: Display
    name: str
    began: float
    doing: str
    task: TaskID | None = None
    ended: bool = False

    def say(self, doing: str, share: float | None = None) -> None:
        """Show what it is doing now, and how much of it is done (0 to 1) if that is known."""
        self.doing = doing
        if self.task is not None and not self.ended:
            self.display.live.update(self.task, doing=doing)
            if share is not None:
                self.display.live.update(self.task, completed=share, measured=True)

    def finish(self, doing: str | None = None, *, failed: bool = False) -> None:
        """End the stage, and stop its clock. Only the first call counts."""
        if self.ended:
            return
        self.say(self.doing if doing is None else doing)
        self.ended = True
        if self.task is None:
            self.display.line("✗" if failed else "✓", self)
        elif failed:
            self.display.live.update(self.task, failed=True)
            self.display.live.stop_task(self.task)
        else:
            self.display.live.update(self.task, completed=1.0)


class Display:
    """Where stages are shown. `with display.stage("Target") as stage: stage.say("boots")`."""

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
        """Write a line that is not a stage."""
        self.console.print(f"  {text}", markup=False, soft_wrap=True)

    @contextmanager
    def stage(self, name: str, doing: str = "", *, long: bool = False) -> Iterator[Stage]:
        """Show a stage as long as the block runs. It fails if the block raises.

        Where lines are not live, only a `long` stage is announced.
        """
        stage = Stage(self, name, time.monotonic(), doing)
        alone = self.console.is_terminal and not self.live.live.is_started
        if alone:
            self.live.start()
        if self.console.is_terminal:
            stage.task = self.live.add_task(name, total=1.0, doing=doing, measured=False, failed=False)
        elif long:
            self.line("·", stage)
        try:
            yield stage
        except BaseException:
            stage.finish(failed=True)
            raise
        else:
            stage.finish()
        finally:
            if alone:
                self._settle()

    def line(self, mark: str, stage: Stage) -> None:
        """Write a stage on a line, as it stands now."""
        elapsed = time.monotonic() - stage.began
        line = f"{mark} {stage.name:<{WIDTH}} {elapsed:6.1f} s  {stage.doing}"
        self.console.print(line.rstrip(), markup=False, soft_wrap=True)

    def _settle(self) -> None:
        """Leave the finished lines on the screen, and begin anew below them."""
        self.live.refresh()
        self.live.stop()
        for task in list(self.live.task_ids):
            self.live.remove_task(task)
