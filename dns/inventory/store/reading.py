"""The key `store` of the inventory, which is the same for all hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dns.inventory.mail_host import MailHost
from dns.inventory.mailboxes import limits
from dns.inventory.places import Problem
from dns.inventory.store.url import EXAMPLE, region_problem, same_bucket_problem, url_problem
from dns.inventory.store.values import AUTO, DISK, KEY, PROMISES, Store
from dns.names import did_you_mean

KEYS = ("bucket", "promise", "region", "pull", "keep", "allow_http")
_EXAMPLE = f'{{"bucket": "{EXAMPLE}"}}'


def from_hosts(
    hosts: Sequence[tuple[str, Mapping[str, object]]], known: Sequence[MailHost]
) -> tuple[Store | None, list[Problem]]:
    """The store, or None if there is none, and every problem. `known` are the hosts as values."""
    if not hosts:
        return None, []
    first, given = hosts[0][0], hosts[0][1].get(KEY)
    problems = [
        Problem(
            f"host {name}: its {KEY} differs from that of host {first}: put it in the group's data",
            (name, KEY),
        )
        for name, data in hosts[1:]
        if repr(data.get(KEY)) != repr(given)  # == would take True for 1
    ]
    found: list[str] = []
    store = _store(given, known, found)
    return store, [*problems, *(Problem(f"{KEY}: {text}", (KEY,)) for text in found)]


def _store(given: object, hosts: Sequence[MailHost], problems: list[str]) -> Store | None:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        problems.append(f"must be a dict such as {_EXAMPLE}, not {given!r}")
        return None
    problems += [
        f"unknown key {key}{did_you_mean(str(key), KEYS)}: the known keys are {', '.join(KEYS)}"
        for key in given
        if key not in KEYS
    ]
    allow_http = given.get("allow_http", False)
    if not isinstance(allow_http, bool):
        problems.append(f"allow_http must be True or False, not {allow_http!r}")
    urls = _urls(given.get("bucket"), problems, allow_http=allow_http is True)
    promise, region = given.get("promise", DISK), given.get("region", AUTO)
    if promise not in PROMISES:
        problems.append(f'promise must be "disk" or "bucket", not {promise!r}')
    if problem := region_problem(region, urls):
        problems.append(problem)
    return Store(
        urls=urls,
        promise=str(promise),
        region=str(region),
        pull=_pull(given.get("pull", True), hosts, problems),
        keep=limits.days("", given.get("keep"), problems),
        allow_http=allow_http is True,
    )


def _urls(value: object, problems: list[str], *, allow_http: bool) -> tuple[str, ...]:
    given: Iterable[object] = value if isinstance(value, list | tuple) else (value,)
    if value in (None, [], ()):
        problems.append(f'has no bucket: add "bucket": "{EXAMPLE}"')
        return ()
    found = [problem for each in given if (problem := url_problem(each, allow_http=allow_http))]
    urls = tuple(str(each).removesuffix("/") for each in given)
    found = found or list(filter(None, [same_bucket_problem(urls)]))
    problems += found
    return () if found else urls


def _pull(value: object, hosts: Sequence[MailHost], problems: list[str]) -> tuple[str, ...]:
    """The names of the hosts that pull. A host may be named as ssh reaches it, or as the world does."""
    if isinstance(value, bool):
        return tuple(host.name for host in hosts) if value else ()
    if not isinstance(value, list | tuple):
        problems.append(
            f'pull must be True, False, or a list of hosts such as ["mx1.example.com"], not {value!r}'
        )
        return ()
    names = {name: host.name for host in hosts for name in (host.hostname, host.name)}
    found = [names.get(each) if isinstance(each, str) else None for each in value]
    problems += [
        f"pull: {each!r} is no host of the inventory{did_you_mean(str(each), names)}: it has "
        f"{', '.join(host.name for host in hosts)}"
        for each, name in zip(value, found, strict=True)
        if name is None
    ]
    return tuple(dict.fromkeys(filter(None, found)))
