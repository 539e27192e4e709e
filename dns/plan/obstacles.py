"""What stands in the way in a zone: what it breaks, and how its owner can be rid of it. Pure."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from dns.plan import products
from dns.plan.providers import KNOWN, provider_of
from dns.records import Record, ZoneRecord


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A record that is not ours and stands in the way: what it breaks, and how to be rid of it.

    ``option`` is that of ``dns.sync`` which replaces it, without a value where none does.
    """

    record: Record
    breaks: str
    mend: str
    option: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.record.shown}: {self.breaks}: {self.mend}"


@dataclass(frozen=True, slots=True)
class Replacing:
    """What the user named to be replaced: targets of MX, targets of CNAME, addresses, providers."""

    mx: frozenset[str] = frozenset()
    cname: frozenset[str] = frozenset()
    address: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()

    @property
    def options(self) -> tuple[tuple[str, ...], ...]:
        """The same as options of ``dns.sync``."""
        named = {"provider": self.providers, "mx": self.mx, "cname": self.cname, "address": self.address}
        return tuple((f"--replace-{kind}", each) for kind, names in named.items() for each in sorted(names))

    def names(self, record: Record) -> bool:
        """Whether this record is to be replaced."""
        if record.type in ("MX", "CNAME"):
            named = self.mx if record.type == "MX" else self.cname
            return record.content in named or provider_of(record.content) in self.providers
        return record.type in ("A", "AAAA") and record.content in self.address


def in_the_way(held: ZoneRecord, domain: str, given: Replacing) -> Obstacle:
    """A record of somebody else's at a name of ours. ``given`` is what is to be replaced already."""
    record = held.record
    if held.locked:
        product = products.product(held.owner, record.type, record.content)
        return Obstacle(record, product.breaks, product.fix)
    if record.type == "CNAME":
        breaks = "a mail host and a domain with MX may not be an alias"
    elif record.content == ".":
        breaks = "a null MX says that the domain takes no mail"
    elif record.type == "MX":
        breaks = "mail would go there too, or first"
    elif record.proxied:
        breaks = "is proxied, and the proxy does not take mail"
    else:
        breaks = "is no address of this mail host, mail would go there too"
    return _replaceable(record, breaks, domain, given)


def delegation(record: Record, name: str) -> Obstacle:
    """A delegation of a part of the zone in which our records are."""
    return Obstacle(
        record,
        f"delegates {name} to other nameservers, which would not know our records",
        "change the records there, or delete the delegation",
    )


def _replaceable(record: Record, breaks: str, domain: str, given: Replacing) -> Obstacle:
    provider = provider_of(record.content) if record.type in ("MX", "CNAME") else None
    if provider:
        option = ("--replace-provider", provider)
        mend = f"to leave {KNOWN[provider].title}, run {command(domain, [*given.options, option])}"
    else:
        kind = {"MX": "mx", "CNAME": "cname"}.get(record.type, "address")
        option = (f"--replace-{kind}", record.content)
        mend = f"to replace it, run {command(domain, [*given.options, option])}"
    return Obstacle(record, breaks, mend, option)


def command(domain: str, options: Iterable[tuple[str, ...]]) -> str:
    """The command line of ``dns.sync`` with these options, each once."""
    words = [word for option in dict.fromkeys(options) for word in option]
    return shlex.join(["python", "-m", "dns.sync", domain, *words])


def described(domain: str, obstacles: Iterable[Obstacle], given: Replacing) -> str:
    """All of them in one line, each once, with one command for those that it can replace."""
    found = list(dict.fromkeys(obstacles))
    options = [obstacle.option for obstacle in found if obstacle.option]
    lines: dict[str, list[str]] = {}
    for obstacle in found:
        replaced = obstacle.option and len(options) > 1
        why = obstacle.breaks if replaced else f"{obstacle.breaks}: {obstacle.mend}"
        lines.setdefault(why, []).append(obstacle.record.shown)
    said = "; ".join(f"{', '.join(shown)}: {why}" for why, shown in lines.items())
    if len(options) < 2:
        return said
    them = "them" if len(options) == len(found) else "those that can be"
    return f"{said}: to replace {them}, run {command(domain, [*given.options, *options])}"
