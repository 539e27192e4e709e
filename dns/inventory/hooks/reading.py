"""The key `hooks` of a host, read from the data that pyinfra has of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from dns.inventory.domain import Domain
from dns.inventory.hooks.target import command_problems, url_problem
from dns.inventory.hooks.values import FORMS, JSON, KEY, Hook
from dns.names import a_label, did_you_mean, local_part

KEYS = ("mailbox", "domain", "url", "command", "form", "allow_private", "user")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_EXAMPLE = '{"orders": {"mailbox": "shop@example.com", "url": "https://app.example.com/mail"}}'


def from_data(data: Mapping[str, object], problems: list[str]) -> tuple[Hook, ...]:
    """The hooks in the order of the inventory. `problems` gets what is wrong."""
    given = data.get(KEY)
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        problems.append(f"{KEY} must be a dict such as {_EXAMPLE}, not {given!r}")
        return ()
    hooks: list[Hook] = []
    for name, value in given.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            problems.append(
                f"{KEY}: {name!r} is no name of a hook: use a letter, and then letters, digits and hyphens, "
                "all in lower case, at most 32"
            )
        elif not isinstance(value, Mapping):
            problems.append(f"hook {name}: must be a dict, as in {_EXAMPLE}, not {value!r}")
        else:
            found: list[str] = []
            hooks.append(_hook(name, value, found))
            problems += [f"hook {name}: {text}" for text in found]
    return tuple(hooks)


def _hook(name: str, given: Mapping[object, object], problems: list[str]) -> Hook:
    problems += [
        f"unknown key {key}{did_you_mean(str(key), KEYS)}: the known keys are {', '.join(KEYS)}"
        for key in given
        if key not in KEYS
    ]
    hook = Hook(name, _addresses(given.get("mailbox"), problems), _domains(given.get("domain"), problems))
    if all(given.get(key) in (None, [], ()) for key in ("mailbox", "domain")):
        problems.append('names no mail: add "mailbox": "shop@example.com", or "domain": "example.com"')
    private = given.get("allow_private", False)
    if not isinstance(private, bool):
        problems.append(f"allow_private must be True or False, not {private!r}")
    url, command, user = given.get("url"), given.get("command"), given.get("user")
    if (url is None) == (command is None):
        both = "has a url and a command" if url is not None else "has neither url nor command"
        problems.append(f"{both}: give one of them; a second hook may have the other")
        return hook
    if command is not None:
        problems += command_problems(command, user)
        for key in ("form", "allow_private"):
            if key in given:
                problems.append(
                    f"{key} says nothing of a command, which gets the message as it is: take it out"
                )
        words = command if isinstance(command, list | tuple) else ()
        return Hook(name, hook.mailboxes, hook.domains, command=tuple(map(str, words)), user=str(user or ""))
    if problem := url_problem(url, hook.variable("BASIC"), allow_private=private is True):
        problems.append(problem)
    form = given.get("form", JSON)
    if form not in FORMS:
        problems.append(f'form must be "json" or "raw", not {form!r}')
    if user is not None:
        problems.append("user says nothing of a url, which no program of yours is run for: take it out")
    return Hook(name, hook.mailboxes, hook.domains, str(url), form=str(form), allow_private=private is True)


def _several(value: object) -> Iterable[object]:
    return () if value is None else value if isinstance(value, list | tuple) else (value,)


def _addresses(value: object, problems: list[str]) -> tuple[str, ...]:
    found: list[str] = []
    for each in _several(value):
        local, at, domain = each.rpartition("@") if isinstance(each, str) else ("", "", "")
        try:
            if not at:
                raise ValueError('is no address: write it as in "shop@example.com"')
            found.append(f"{local_part(local)}@{a_label(domain)}")
        except ValueError as error:
            problems.append(f"mailbox {each!r} {error}")
    return tuple(dict.fromkeys(found))


def _domains(value: object, problems: list[str]) -> tuple[str, ...]:
    found: list[str] = []
    for each in _several(value):
        try:
            if not isinstance(each, str):
                raise ValueError("is no domain name")
            found.append(a_label(each))
        except ValueError as error:
            problems.append(f'domain {each!r} {error}: write it as in "example.com"')
    return tuple(dict.fromkeys(found))


def unheld(hooks: Iterable[Hook], domains: Iterable[Domain]) -> Iterator[str]:
    """What hooks name that none of the domains has, with the fix: a line each."""
    known = {domain.name: domain for domain in domains}
    for hook in hooks:
        for name in hook.domains:
            if name not in known:
                yield (
                    f"hook {hook.name}: domain {name} is not in the inventory{did_you_mean(name, known)}: it "
                    f"has {', '.join(known)}"
                )
        for address in hook.mailboxes:
            local, _, name = address.rpartition("@")
            if name not in known:
                yield (
                    f"hook {hook.name}: mailbox {address}: the inventory has no domain {name}"
                    f"{did_you_mean(name, known)}: it has {', '.join(known)}"
                )
            elif local not in known[name].mailboxes:
                boxes = known[name].mailboxes
                if targets := known[name].aliases.get(local):
                    why = f"is an alias: name the mailbox that it leads to ({', '.join(targets)})"
                else:
                    why = f"is no mailbox of {name}{did_you_mean(local, boxes)}: it has {', '.join(boxes)}"
                yield f"hook {hook.name}: mailbox {address} {why}"
