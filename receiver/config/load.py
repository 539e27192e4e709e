"""Loading the configuration: from TOML into frozen dataclasses, or an error that has every problem at once.

Each problem names the key and the reason. The commands print them with the file's name and exit with 78
(EX_CONFIG of sysexits.h). This module does not open the certificate or the mail folder;
`receiver.serving.check` does.
"""

from __future__ import annotations

import hashlib
import ipaddress
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from receiver.addresses import fold_local
from receiver.config.aliases import expand
from receiver.config.checks import sender_checks, spam_filter
from receiver.config.hooks import hooks
from receiver.config.names import domain_problem
from receiver.config.per_mailbox import keep, quota
from receiver.config.store import store
from receiver.config.tables import Reader, join
from receiver.config.values import MOST_WORKERS, Config, Limits, TLSFiles
from receiver.mailbox import is_folder_name
from receiver.recipients import Domain

# The name of a message's file is <seconds>.<identity>.<hostname>, to which mail clients add flags. NAME_MAX
# is 255 octets.
LONGEST_HOSTNAME = 200  # octets


class ConfigError(Exception):
    """The configuration is wrong. `problems` are strings `key: reason`.

    `str(e)` has a line `file: key: reason` for each of them.
    """

    def __init__(self, source: str, problems: list[str]) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.problems = tuple(problems)


def load(path: Path) -> Config:
    """Load the configuration file. Raises ConfigError."""
    try:
        octets = path.read_bytes()
        table = tomllib.loads(octets.decode("utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        problem = "no such file: deploy to this host, or name another with --config"
        raise ConfigError(str(path), [problem]) from None
    except OSError as error:
        raise ConfigError(str(path), [f"cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), [f"is not TOML: {error}"]) from None
    return replace(from_table(table, str(path)), sha256=hashlib.sha256(octets).hexdigest())


def from_table(table: Mapping[str, Any], source: str) -> Config:
    """The configuration of a parsed TOML file. `source` is the file's name. Raises ConfigError."""
    reader = Reader()
    top = reader.table(
        table,
        "",
        {
            "hostname", "mail", "workers", "addresses", "proofs", "log_headers", "checks", "tls", "limits",
            "spam_filter", "hooks", "keep", "quota", "store", "heartbeat", "domains",
        },
    )  # fmt: skip
    hostname = reader.value(top, "", "hostname", str, required=True)
    if hostname and (problem := domain_problem(hostname) or _too_long(hostname)):
        reader.complain("hostname", problem)
    mail = reader.path(top, "", "mail", required=True)
    proofs, heartbeat = (reader.path(top, "", name) for name in ("proofs", "heartbeat"))
    workers = reader.value(top, "", "workers", int)
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        reader.complain("workers", f"must be from 1 to {MOST_WORKERS}, not {workers}")
    addresses = reader.strings(top, "", "addresses")
    for address in addresses:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            reader.complain("addresses", f"{address!r} is not an IP address")
    log_headers = reader.value(top, "", "log_headers", bool)
    tls = _tls(reader, top)
    limits = _limits(reader, top)
    domains = _domains(reader, top)
    checks, rspamd = sender_checks(reader, top), spam_filter(reader, top)
    told = hooks(reader, top, domains)
    kept, quotas = keep(reader, top, domains), quota(reader, top, domains)
    bucket = store(reader, top, domains)
    for domain in domains:
        if domain.rejects_forged and "checks" not in top:
            reader.complain(f'domains."{domain.name}".reject_forged', "needs the table [checks]")
    if reader.problems:
        raise ConfigError(source, reader.problems)
    assert hostname and mail
    config = Config(
        hostname, mail, domains, tls, limits, addresses, workers or 1, log_headers=bool(log_headers),
        checks=checks, spam_filter=rspamd, hooks=told, keep=kept, quota=quotas,
        store=bucket,
    )  # fmt: skip
    config = replace(config, heartbeat=heartbeat) if heartbeat else config
    return replace(config, proofs=proofs) if proofs else config


def any_mailbox(hostname: str, mail: Path, names: tuple[str, ...], workers: int = 1) -> Config:
    """A configuration without a file, for a trial: any local part at the domains `names` is a mailbox.

    Raises ConfigError.
    """
    problems = [f"--domain {name}: {problem}" for name in names if (problem := domain_problem(name))]
    if problem := _too_long(hostname):
        problems.append(f"--hostname: {problem}")
    if problems:
        raise ConfigError("command line", problems)
    return Config(hostname, mail, tuple(Domain(name, None, {}) for name in names), workers=workers)


def _tls(reader: Reader, top: Mapping[str, Any]) -> TLSFiles | None:
    if "tls" not in top:
        return None
    table = reader.table(top["tls"], "tls", {"certificate", "key"})
    paths = [reader.value(table, "tls", name, str, required=True) for name in ("certificate", "key")]
    return TLSFiles(Path(paths[0]), Path(paths[1])) if paths[0] and paths[1] else None


def _limits(reader: Reader, top: Mapping[str, Any]) -> Limits:
    table = reader.table(top.get("limits", {}), "limits", {item.name for item in fields(Limits)})
    chosen = {}
    for item in fields(Limits):
        value = reader.value(table, "limits", item.name, int)
        least = min(1, int(str(item.default)))
        if value is not None and value < least:
            reader.complain(f"limits.{item.name}", f"must be at least {least}, not {value}")
        elif value is not None:
            chosen[item.name] = value
    return Limits(**chosen)


def _domains(reader: Reader, top: Mapping[str, Any]) -> tuple[Domain, ...]:
    tables = reader.table(top.get("domains", {}), "domains")
    if not tables:
        reader.complain("domains", "no domain to receive mail for")
    known = {"mailboxes", "aliases", "catch_all", "subaddress_separators", "reject_forged"}
    read: dict[str, dict[str, Any]] = {}
    for name, value in tables.items():
        key = f'domains."{name}"'
        if problem := domain_problem(name):
            reader.complain(key, problem)
        read[name] = reader.table(value, key, known)
    boxes = {
        name: tuple(fold_local(box) for box in reader.strings(table, f'domains."{name}"', "mailboxes"))
        for name, table in read.items()
    }
    aliases = {name: _alias_targets(reader, name, table) for name, table in read.items()}
    return tuple(_domain(reader, name, table, boxes, aliases) for name, table in read.items())


def _domain(
    reader: Reader,
    name: str,
    table: Mapping[str, Any],
    boxes: Mapping[str, tuple[str, ...]],
    aliases: Mapping[str, Mapping[str, tuple[str, ...]]],
) -> Domain:
    key = f'domains."{name}"'
    for box in boxes[name]:
        if not is_folder_name(box) or "@" in box:
            reader.complain(f"{key}.mailboxes", f"{box!r} cannot be a mailbox's name")
    if not boxes[name] and not reader.problems:
        reader.complain(f"{key}.mailboxes", "no mailbox")
    expanded = {}
    for alias in aliases[name]:
        if alias in boxes[name]:
            reader.complain(f"{key}.aliases.{alias}", "is also a mailbox")
        try:
            expanded[alias] = expand(alias, name, boxes, aliases)
        except ValueError as error:
            reader.complain(f"{key}.aliases.{alias}", str(error))
    catch_all = reader.value(table, key, "catch_all", str)
    if catch_all is not None and fold_local(catch_all) not in boxes[name]:
        reader.complain(f"{key}.catch_all", f"{catch_all!r} is not a mailbox of {name}")
    separators = reader.value(table, key, "subaddress_separators", str)
    separators = "+" if separators is None else separators
    if any(not mark.isprintable() or mark.isalnum() or mark in "@. /" for mark in separators):
        reader.complain(f"{key}.subaddress_separators", f"{separators!r} must be punctuation")
    first = boxes[name][0] if boxes[name] else "postmaster"
    postmaster = "postmaster" if "postmaster" in boxes[name] else first
    fallback = fold_local(catch_all) if catch_all else None
    rejects = reader.value(table, key, "reject_forged", bool) or False
    return Domain(name, frozenset(boxes[name]), expanded, fallback, separators, postmaster, rejects)


def _alias_targets(reader: Reader, name: str, table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    key = f'domains."{name}".aliases'
    aliases = reader.table(table.get("aliases", {}), key)
    targets = {}
    for alias in aliases:
        names = reader.strings(aliases, key, alias)
        if not names:
            reader.complain(join(key, alias), "goes nowhere: it needs a list of at least one name")
        targets[fold_local(alias)] = tuple(fold_local(target) for target in names)
    return targets


def _too_long(hostname: str) -> str | None:
    size = len(hostname.encode("utf-8", "replace"))
    if size <= LONGEST_HOSTNAME:
        return None
    return f"has {size} octets, more than {LONGEST_HOSTNAME}: it is part of each message's file name"
