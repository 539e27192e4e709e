"""The hooks: what of them is on the host, read from what the probe printed.

Their folder is the first thing that the deploy makes, and the last one that it removes. The unit of a hook is
the first of its files. So a host without that folder costs no process to ask.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from provision.host import layout
from provision.host.services.resolver import seconds

_CURRENT = f"{layout.HOOKS_PROGRAM}/current"
_UNIT = f"{layout.UNIT_FOLDER}/{layout.hook_unit('$n')}"
_CONFIG = f"root:{layout.HOOKS_GROUP}:640"
_QUEUE = " ".join(f"{layout.USER}:{layout.HOOKS_GROUP}:{mode}" for mode in (750, 770, 770, 770))
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")

# A line for each thing: its word, the name of the hook, and the value. The queues outlive the hooks.
PROBE = f"""\
cd {layout.HOOKS_FOLDER} && {{
  echo folder - yes
  echo group - $(getent group {layout.HOOKS_GROUP})
  echo program - $(readlink {_CURRENT})
  (cd {_CURRENT}/ && sha256sum --status -c manifest && echo whole - yes)
  for n in $(ls {layout.UNIT_FOLDER} | sed -n 's/^letterbox-hook-\\(.*\\)[.]service$/\\1/p'); do
    echo unit $n $(sha256sum < {_UNIT})
    echo config $n $(sha256sum < $n.toml)
    echo rights $n $(stat -c %U:%G:%a $n.toml)
    for s in secret basic; do
      [ -s $n.$s ] && [ "$(stat -c %U:%G:%a $n.$s)" = root:root:600 ] && echo $s $n $(cat $n.$s.sha256)
    done
    echo enabled $n $(systemctl is-enabled {layout.hook_unit("$n")})
    echo active $n $(systemctl is-active {layout.hook_unit("$n")})
    echo reload $n $(systemctl show -p NeedDaemonReload --value {layout.hook_unit("$n")})
    echo since $n $(systemctl show --timestamp=us+utc -p ExecMainStartTimestamp --value \
      {layout.hook_unit("$n")})
    echo changed $n $(stat -c %.6Z {_UNIT} {_CURRENT} $n.toml $n.secret $n.basic)
  done
}}
cd {layout.QUEUES} && for n in *; do
  echo queue $n $(stat -c %U:%G:%a $n $n/pending $n/dead $n/state)
  echo pending $n $(ls -U $n/pending | wc -l)
  echo dead $n $(ls -U $n/dead | wc -l)
done"""


@dataclass(frozen=True, slots=True)
class Hook:
    """What the host has of one hook. A value is empty if it lacks the thing. Digests are SHA-256."""

    unit: str = ""
    config: str = ""
    """The digests of the unit's file, and of the configuration if its owner and mode are right."""
    secret: str = ""
    basic: str = ""
    """The digests of the secrets, if their encrypted files are there and root's alone."""
    runs: bool = False
    """Whether the unit is enabled and active."""
    needs_reload: bool = False
    is_old: bool = False
    """Whether the process is older than what it was started from."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue: how many messages wait in it, how many were given up, and whether its folders are right."""

    pending: int = 0
    dead: int = 0
    is_right: bool = False

    @property
    def kept(self) -> int:
        """The messages in it that nobody was told of."""
        return self.pending + self.dead


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the host has of hooks, and their queues: those of hooks that are gone, too."""

    folder: bool = False
    group: bool = False
    program: str = ""
    """The release that `current` points to, if it is whole."""
    units: Mapping[str, Hook] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)


def parse_hooks(lines: Iterable[str]) -> Hooks:
    """What the probe printed."""
    said: dict[str, dict[str, str]] = {}
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        name, _, value = rest.partition(" ")
        if name == "-" or _NAME.fullmatch(name):
            said.setdefault(name, {})[word] = value.removesuffix(" -").strip()
    whole = said.pop("-", {})
    return Hooks(
        folder=bool(whole.get("folder")),
        group=bool(whole.get("group")),
        program=whole.get("program", "") if whole.get("whole") else "",
        units={name: _hook(words) for name, words in said.items() if "unit" in words},
        queues={name: _queue(words) for name, words in said.items() if "queue" in words},
    )


def _hook(words: Mapping[str, str]) -> Hook:
    since, changed = seconds(words.get("since", "")), words.get("changed", "").split()
    return Hook(
        unit=words["unit"],
        config=words.get("config", "") if words.get("rights") == _CONFIG else "",
        secret=words.get("secret", ""),
        basic=words.get("basic", ""),
        runs=(words.get("enabled"), words.get("active")) == ("enabled", "active"),
        needs_reload="yes" in words.get("reload", ""),
        is_old=since > 0 and any(float(each) > since for each in changed),
    )


def _queue(words: Mapping[str, str]) -> Queue:
    counts = (words.get(key, "") for key in ("pending", "dead"))
    pending, dead = (int(each) if each.isdecimal() else 0 for each in counts)
    return Queue(pending, dead, words["queue"] == _QUEUE)
