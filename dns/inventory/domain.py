"""A domain that is served, read from the inventory's ``domains``.

``read`` checks what can be seen in one domain alone; ``alias_problems`` what takes all of them:
targets that nobody holds, and aliases that lead back to themselves. Neither touches the network.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dns.names import a_label, below, did_you_mean, local_part

KEYS = (
    "mailboxes",
    "aliases",
    "catch_all",
    "sends_mail",
    "subaddress_separators",
    "ttl",
    "tls_reports",
    "caa",
)
AUTOMATIC_TTL = 1
# Where records stand below the domain: DMARC (RFC 7489) and TLS reports (RFC 8460).
DMARC, TLS_REPORTS = "_dmarc", "_smtp._tls"


@dataclass(frozen=True, slots=True)
class Domain:
    """One served domain.

    ``name`` is in A-label form; local parts are in lower case. An alias's targets are local names
    of this domain, or full addresses at another served one. ``sends_mail`` is None where SPF and
    DMARC are left alone. ``ttl`` is in seconds, 1 for Cloudflare's automatic one. ``tls_reports``
    are the URIs that senders report failed TLS to (RFC 8460), ``caa`` the authorities that may issue
    certificates below the domain (RFC 8659); where these are empty, nothing is published.
    """

    name: str
    mailboxes: tuple[str, ...]
    aliases: Mapping[str, tuple[str, ...]]
    catch_all: str | None
    sends_mail: bool | None
    subaddress_separators: str
    ttl: int
    tls_reports: tuple[str, ...] = ()
    caa: tuple[str, ...] = ()


def read(name: object, data: object) -> tuple[Domain | None, list[str]]:
    """The domain and every problem found in it; no domain where its name or shape is wrong."""
    if not isinstance(name, str):
        return None, [f"domains: {name!r} is not a domain name: write it as a string"]
    try:
        ascii_name = a_label(name)
    except ValueError as error:
        return None, [f"domain {name}: {error}: write it as in example.com"]
    if not isinstance(data, Mapping):
        return None, [f'domain {name}: must be a dict such as {{"mailboxes": ["alice"]}}, not {data!r}']
    problems = [
        f"unknown key {key}{did_you_mean(str(key), KEYS)}: known are {', '.join(KEYS)}"
        for key in data
        if key not in KEYS
    ]
    mailboxes = _mailboxes(data.get("mailboxes", ()), problems)
    aliases = _aliases(data.get("aliases"), mailboxes, problems)
    if not mailboxes and "postmaster" not in aliases:
        problems.append('has no mailbox: give "mailboxes": ["alice"], or an alias for postmaster')
    domain = Domain(
        name=ascii_name,
        mailboxes=mailboxes,
        aliases=aliases,
        catch_all=_catch_all(data.get("catch_all"), mailboxes, problems),
        sends_mail=_sends_mail(data.get("sends_mail"), problems),
        subaddress_separators=_separators(data.get("subaddress_separators", "+"), problems),
        ttl=_ttl(data.get("ttl", AUTOMATIC_TTL), problems),
        tls_reports=_tls_reports(data.get("tls_reports"), problems),
        caa=_authorities(data.get("caa"), problems),
    )
    for asked, prefix in ((domain.sends_mail is False, DMARC), (bool(domain.tls_reports), TLS_REPORTS)):
        try:
            below(ascii_name, prefix) if asked else None
        except ValueError as error:
            problems.append(f"{error}: leave out the key that publishes it, or take a shorter name")
    return domain, [f"domain {name}: {problem}" for problem in problems]


def _mailboxes(value: object, problems: list[str]) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        problems.append(f'mailboxes must be a list such as ["alice"], not {value!r}')
        return ()
    names: list[str] = []
    for item in value:
        try:
            name = local_part(item) if isinstance(item, str) else ""
            if not name:
                raise ValueError("is not a mailbox name: write it as a string")
        except ValueError as error:
            problems.append(f"mailbox {item!r} {error}")
            continue
        if name in names:
            problems.append(f"mailbox {item!r} is named twice (case does not matter): name it once")
        else:
            names.append(name)
    return tuple(names)


def _aliases(value: object, mailboxes: tuple[str, ...], problems: list[str]) -> dict[str, tuple[str, ...]]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        problems.append(f'aliases must be a dict such as {{"postmaster": ["alice"]}}, not {value!r}')
        return {}
    aliases: dict[str, tuple[str, ...]] = {}
    for key, given in value.items():
        targets = [given] if isinstance(given, str) else given
        if not isinstance(targets, list | tuple) or not targets:
            problems.append(f'alias {key} must lead to a list such as ["alice"], not {given!r}')
            continue
        try:
            alias = local_part(key) if isinstance(key, str) else ""
            if not alias:
                raise ValueError("is not a name: write it as a string")
        except ValueError as error:
            problems.append(f"alias {key!r} {error}")
            continue
        if alias in mailboxes:
            problems.append(f"alias {key} is a mailbox too: make it one or the other")
        if alias in aliases:
            problems.append(f"alias {key!r} is named twice (case does not matter): name it once")
        aliases[alias] = tuple(_targets(alias, targets, problems))
    return aliases


def _targets(alias: str, targets: list[object] | tuple[object, ...], problems: list[str]) -> list[str]:
    read: list[str] = []
    for target in targets:
        try:
            if not isinstance(target, str):
                raise ValueError("is not a name: write it as a string")
            local, at, domain = target.rpartition("@")
            read.append(f"{local_part(local)}@{a_label(domain)}" if at else local_part(target))
        except ValueError as error:
            problems.append(f"alias {alias}: target {target!r} {error}")
    return read


def _catch_all(value: object, mailboxes: tuple[str, ...], problems: list[str]) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and value.lower() in mailboxes:
        return value.lower()
    problems.append(f"catch_all {value!r} is not one of its mailboxes: name one of them, or None")
    return None


def _sends_mail(value: object, problems: list[str]) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    problems.append(f"sends_mail must be True or False, or left out, not {value!r}")
    return None


def _separators(value: object, problems: list[str]) -> str:
    if isinstance(value, str) and all(c in "+-_=.#~!$%&'*?^`{|}" for c in value):
        return value
    problems.append(f'subaddress_separators must be a string such as "+" or "+-", not {value!r}')
    return "+"


def _ttl(value: object, problems: list[str]) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, int) and whole and (value == AUTOMATIC_TTL or 60 <= value <= 86400):
        return value
    problems.append(f"ttl must be 1 (automatic) or 60 to 86400 seconds, not {value!r}")
    return AUTOMATIC_TTL


def _tls_reports(value: object, problems: list[str]) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value or ()
    if not isinstance(given, list | tuple):
        problems.append(f'tls_reports must be an address such as "tls@example.com", not {value!r}')
        return ()
    uris: list[str] = []
    for item in given:
        text = item if isinstance(item, str) else ""
        uri = f"mailto:{text}" if "@" in text and ":" not in text else text
        # A comma, a semicolon or a space would end the URI in the record (RFC 8460, section 3).
        if re.fullmatch(r"(mailto:[^@,; ]+@[^@,; ]+\.[^@,; ]+|https://[^,; ]+)", uri) and uri.isascii():
            uris.append(uri)
        else:
            problems.append(f"tls_reports {item!r} is neither an e-mail address nor an https:// address")
    return tuple(uris)


def _authorities(value: object, problems: list[str]) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value or ()
    if not isinstance(given, list | tuple):
        problems.append(f'caa must be a list such as ["letsencrypt.org"], not {value!r}')
        return ()
    names: list[str] = []
    for item in given:
        try:
            names.append(a_label(item if isinstance(item, str) else ""))
        except ValueError as error:
            problems.append(f"caa {item!r} {error}: name the authority as in letsencrypt.org")
    return tuple(names)


def alias_problems(domains: Mapping[str, Domain]) -> list[str]:
    """What is wrong with where the aliases lead, over all domains, keyed by their A-label names."""
    edges: dict[str, tuple[str, ...]] = {}
    held: set[str] = set()
    for name, domain in domains.items():
        held.update(f"{mailbox}@{name}" for mailbox in domain.mailboxes)
        if domain.mailboxes:
            held.add(f"postmaster@{name}")
        for alias, targets in domain.aliases.items():
            edges[f"{alias}@{name}"] = tuple(t if "@" in t else f"{t}@{name}" for t in targets)
    problems: list[str] = []
    for source, targets in edges.items():
        alias, _, name = source.rpartition("@")
        where = f"domain {name}: alias {alias}"
        problems += [
            f"{where}: target {target} is no mailbox and no alias of a served domain"
            for target in targets
            if target not in held and target not in edges
        ]
        # Each ring is reported once, at the first of its names in alphabetical order.
        ring = _ring(source, edges)
        if ring and source == min(ring):
            problems.append(f"{where}: leads back to itself ({' -> '.join([*ring, source])})")
    return problems


def _ring(source: str, edges: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The shortest way from the address back to itself, without the return, or nothing."""
    paths: list[tuple[str, ...]] = [(source,)]
    seen: set[str] = set()
    while paths:
        path = paths.pop(0)
        for target in edges.get(path[-1], ()):
            if target == source:
                return path
            if target not in seen:
                seen.add(target)
                paths.append((*path, target))
    return ()
