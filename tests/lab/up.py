"""Bringing a lab up for a person to watch: each stage with its time, as `python -m tests.lab up` shows it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tests.lab import lifecycle, prerequisites
from tests.lab.display import Display
from tests.lab.lab import FOLDER, Lab
from tests.lab.machines.image import Image


def bring_up(
    display: Display,
    folder: Path = FOLDER,
    *,
    fresh: bool = False,
    hosts: int = 1,
    system: str = "target",
    command: str = prerequisites.COMMAND,
) -> tuple[Lab, bool]:
    """Install what is missing, build the images, and start the machines, each shown as a stage.

    `command` is what the user runs again if it needs root. Returns the lab, and whether it had to be started.
    """
    prerequisites.ensure(display.note, command=command)
    missing = [each for each in (Image(system), Image("world")) if not each.is_built()]
    if missing:
        with ExitStack() as stack:
            shown = {
                each.name: display.stage(f"Image of the {each.name}", "once, about a minute", long=True)
                for each in missing
            }
            stages = {name: stack.enter_context(stage) for name, stage in shown.items()}
            lifecycle.build_images(
                missing,
                lambda name: stages[name].say,
                lambda name: stages[name].finish("kept for the next time"),
            )
    with display.stage("Machines", "target and world boot") as stage:
        brought, started = lifecycle.bring_up(folder, fresh=fresh, hosts=hosts, system=system)
        stage.say(
            f"target {brought.target.ipv4}, world {brought.world.ipv4}" + ("" if started else ": ran already")
        )
    return brought, started
