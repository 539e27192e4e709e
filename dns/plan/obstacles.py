"""Records of somebody else that are in the way: what each breaks, and how to get rid of it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from dns.plan import products
from dns.plan.providers import KNOWN, provider_of
from dns.records import ADDRESS_TYPES, Record, ZoneRecord


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A record that is not ours and is in the way: what it breaks, and how to get rid of it.

    `option` is the option of `dns.sync` that replaces the record. It is empty if no option does.
    """

    record: Record
    breaks: str
    fix: str
    option: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.record.zone_line}: {self.breaks}: {self.fix}"


@dataclass(frozen=True, slots=True)
class Replacing:
    """What the user asked to replace: targets of MX, targets of CNAME, addresses, and mail providers."""

    mx: frozenset[str] = frozenset()
    cname: frozenset[str] = frozenset()
    address: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()

    @property
    def options(self) -> tuple[tuple[str, ...], ...]:
        """The same as options of `dns.sync`."""
        named = {"provider": self.providers, "mx": self.mx, "cname": self.cname, "address": self.address}
        return tuple((f"--replace-{kind}", each) for kind, names in named.items() for each in sorted(names))

    def names(self, record: Record) -> bool:
        """Whether the user asked to replace this record."""
        if record.type in ("MX", "CNAME"):
            named = self.mx if record.type == "MX" else self.cname
            return record.content in named or provider_of(record.content) in self.providers
        return record.type in ADDRESS_TYPES and record.content in self.address


NOTHING = Replacing()


def in_the_way(held: ZoneRecord, domain: str, given: Replacing) -> Obstacle:
    """What a record of somebody else at one of our names breaks. `given` is what is replaced already."""
    record = held.record
    if held.locked:
        product = products.product(held.owner, record.type, record.content)
        return Obstacle(record, product.breaks, product.fix)
    if record.type == "CNAME":
        breaks = "a mail host and a domain with an MX may not be an alias"
    elif record.content == ".":
        breaks = "a null MX says that the domain takes no mail"
    elif record.type == "MX":
        breaks = "mail would go there too, or first"
    elif record.proxied:
        breaks = "is proxied, and Cloudflare's proxy takes no mail"
    else:
        breaks = "is not an address of this mail host, and mail would go there too"
    return _replaceable(record, breaks, domain, given)


def delegation(record: Record, name: str) -> Obstacle:
    """The obstacle that an NS record is if it delegates the part of the zone that holds our records."""
    return Obstacle(
        record,
        f"delegates {name} to other nameservers, which would not know our records",
        "change the records there, or delete the delegation",
    )


def _replaceable(record: Record, breaks: str, domain: str, given: Replacing) -> Obstacle:
    provider = provider_of(record.content) if record.type in ("MX", "CNAME") else None
    if provider:
        option = ("--replace-provider", provider)
        fix = f"to leave {KNOWN[provider].title}, run {command(domain, [*given.options, option])}"
    else:
        kind = {"MX": "mx", "CNAME": "cname"}.get(record.type, "address")
        option = (f"--replace-{kind}", record.content)
        fix = f"to replace it, run {command(domain, [*given.options, option])}"
    return Obstacle(record, breaks, fix, option)


def command(domain: str, options: Iterable[tuple[str, ...]]) -> str:
    """The command line of `dns.sync` with these options, each once."""
    words = [word for option in dict.fromkeys(options) for word in option]
    return shlex.join(["python", "-m", "dns.sync", domain, *words])


def in_one_line(domain: str, obstacles: Iterable[Obstacle], given: Replacing) -> str:
    """All obstacles in one line, each once, with one command that replaces those that can be replaced."""
    found = list(dict.fromkeys(obstacles))
    options = [obstacle.option for obstacle in found if obstacle.option]
    by_reason: dict[str, list[str]] = {}
    for obstacle in found:
        replaced = obstacle.option and len(options) > 1
        why = obstacle.breaks if replaced else f"{obstacle.breaks}: {obstacle.fix}"
        by_reason.setdefault(why, []).append(obstacle.record.zone_line)
    line = "; ".join(f"{', '.join(records)}: {why}" for why, records in by_reason.items())
    if len(options) < 2:
        return line
    them = "them" if len(options) == len(found) else "those that can be replaced"
    return f"{line}: to replace {them}, run {command(domain, [*given.options, *options])}"
