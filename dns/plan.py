"""How what is desired differs from what is in the zone. Pure: two sets of records in, a plan out.

Only records that carry our mark are changed or deleted. An equal record of somebody else's is
adopted as it is. What else stands at our names is an obstacle, named with what it would break, and
goes only if the user named it. All other records of the zone are not looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dns.names import is_within
from dns.records import SHARED, Record, ZoneRecord, is_marked, mark_of

ADDRESS = ("A", "AAAA")


@dataclass(frozen=True, slots=True)
class Change:
    """A record that stays, with other attributes."""

    before: ZoneRecord
    after: Record


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A record that is not ours and stands in the way: what it breaks, and how to be rid of it."""

    record: Record
    breaks: str
    mend: str

    def __str__(self) -> str:
        return f"{self.record.shown}: {self.breaks}: {self.mend}"


@dataclass(frozen=True, slots=True)
class Replacing:
    """What the user named to be replaced: targets of MX, targets of CNAME, addresses."""

    mx: frozenset[str] = frozenset()
    cname: frozenset[str] = frozenset()
    address: frozenset[str] = frozenset()


NOTHING = Replacing()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done to a zone for one domain, and what was found."""

    desired: tuple[Record, ...]
    posts: tuple[Record, ...] = ()
    patches: tuple[Change, ...] = ()
    deletes: tuple[ZoneRecord, ...] = ()
    kept: tuple[ZoneRecord, ...] = ()
    adopted: tuple[ZoneRecord, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    notes: tuple[str, ...] = ()
    withheld: tuple[Record, ...] = ()  # desired, but another's SPF or DMARC stands there and stays
    spared: tuple[ZoneRecord, ...] = ()

    def without_deletes(self) -> "Plan":
        """The same plan, but what it would delete stays: for a run that knows only some of the hosts."""
        return replace(self, deletes=(), spared=self.deletes)

    @property
    def changes(self) -> int:
        """How many records are to be changed."""
        return len(self.posts) + len(self.patches) + len(self.deletes)

    @property
    def in_sync(self) -> bool:
        """Whether there is nothing to do, and nothing in the way."""
        return not self.changes and not self.obstacles


def plan(
    domain: str,
    zone: str,
    desired: Sequence[Record],
    actual: Iterable[ZoneRecord],
    replacing: Replacing = NOTHING,
) -> Plan:
    """The way from ``actual`` to ``desired`` for the domain in the zone (both in A-label form)."""
    mark = mark_of(domain)
    spots = {(record.name, record.type) for record in desired}
    hosts = {record.name for record in desired if record.type in ADDRESS}
    # Both families of a host's addresses are ours to say, also when it has none of one.
    spots |= {(name, kind) for name in hosts for kind in ADDRESS}
    near: list[ZoneRecord] = []
    obstacles: list[Obstacle] = []
    deletes: list[ZoneRecord] = []
    aliases: dict[str, Record] = {}
    for found in actual:
        record = found.record
        if is_marked(record, mark) or (record.name, record.type) in spots:
            near.append(found)
            continue
        if record.type == "CNAME" and _hides(record, domain, zone, hosts):
            if record.content in replacing.cname:
                deletes.append(found)
            else:
                obstacles.append(_cname(record))
        elif record.type == "CNAME" and record.name != zone:
            aliases[record.name] = record
        elif record.type == "NS" and record.name != zone:
            shadowed = sorted(name for name, _ in spots if is_within(name, record.name))
            if shadowed:
                obstacles.append(_delegation(record, shadowed[0]))
    rest = _Matching(mark, replacing, near, aliases)
    for record in desired:
        rest.match(record)
    rest.sort_out_the_others()
    return Plan(
        desired=tuple(desired),
        posts=tuple(rest.posts),
        patches=tuple(rest.patches),
        deletes=(*deletes, *rest.deletes),
        kept=tuple(rest.kept),
        adopted=tuple(rest.adopted),
        obstacles=(*obstacles, *rest.obstacles),
        notes=tuple(rest.notes),
        withheld=tuple(rest.withheld),
    )


class _Matching:
    """The records at our names, each matched with at most one that is desired."""

    def __init__(
        self, mark: str, replacing: Replacing, found: list[ZoneRecord], aliases: dict[str, Record]
    ) -> None:
        self.mark, self.replacing, self.left, self.aliases = mark, replacing, found, aliases
        self.posts: list[Record] = []
        self.patches: list[Change] = []
        self.deletes: list[ZoneRecord] = []
        self.kept: list[ZoneRecord] = []
        self.adopted: list[ZoneRecord] = []
        self.obstacles: list[Obstacle] = []
        self.notes: list[str] = []
        self.withheld: list[Record] = []

    def match(self, wanted: Record) -> None:
        """Settle one desired record: kept, adopted, patched, posted, or kept back for an obstacle."""
        held = self._take(wanted)
        if held is None:
            foreign = self._foreign_policy(wanted)
            if foreign:
                self.withheld.append(wanted)
                beside = f"{wanted.content!r} is not published beside it"
                self.notes.append(f"{foreign.shown}: is not ours and stays; {beside}")
            else:
                self.posts.append(wanted)
        elif is_marked(held.record, self.mark):
            # The comment is not compared: what somebody wrote behind the mark is theirs.
            same = replace(held.record, comment=None) == replace(wanted, comment=None)
            if same:
                self.kept.append(held)
            else:
                self.patches.append(Change(held, replace(wanted, comment=held.record.comment)))
        elif (held.record.value, held.record.proxied) == (wanted.value, wanted.proxied) and not held.locked:
            self.adopted.append(held)
        elif not held.locked and self._named(held.record):
            self.patches.append(Change(held, wanted))
        else:
            self.obstacles.append(_in_the_way(held))

    def _take(self, wanted: Record) -> ZoneRecord | None:
        """The record of the same value, else the one that differs only in its priority."""
        alike = [held for held in self.left if held.record.value[:3] == wanted.value[:3]]
        alike.sort(key=lambda held: held.record.priority != wanted.priority)
        if not alike:
            return None
        self.left.remove(alike[0])
        return alike[0]

    def _foreign_policy(self, wanted: Record) -> Record | None:
        """The SPF or DMARC record that is there already and not ours, also behind an alias."""
        if wanted.type != "TXT":
            return None
        version = wanted.content.split(";")[0].split()[0].lower()
        for held in self.left:
            record = held.record
            if (record.type, record.name) != ("TXT", wanted.name) or is_marked(record, self.mark):
                continue
            if record.content.lower().startswith(version):
                return record
        return self.aliases.get(wanted.name)

    def sort_out_the_others(self) -> None:
        """What was matched with nothing: ours goes, another's is an obstacle, other texts are let be."""
        for held in self.left:
            if is_marked(held.record, self.mark):
                self.deletes.append(held)
            elif held.record.type not in SHARED:
                if self._named(held.record) and not held.locked:
                    self.deletes.append(held)
                else:
                    self.obstacles.append(_in_the_way(held))

    def _named(self, record: Record) -> bool:
        named = self.replacing.mx if record.type == "MX" else self.replacing.address
        return record.type != "TXT" and record.content in named


def _hides(record: Record, domain: str, zone: str, hosts: set[str]) -> bool:
    # At the apex Cloudflare flattens a CNAME, and MX may stand beside it.
    return record.name in hosts or (record.name == domain and domain != zone)


def _in_the_way(held: ZoneRecord) -> Obstacle:
    record = held.record
    if held.locked:
        return Obstacle(
            record,
            "Cloudflare's Email Routing owns the MX and would take the mail",
            "turn it off in the dashboard (Email > Email Routing > Settings > Disable), the token cannot",
        )
    if record.type == "MX":
        breaks = (
            "a null MX says that the domain takes no mail"
            if record.content == "."
            else ("mail would go there too, or first")
        )
        return Obstacle(record, breaks, f"to replace it, add --replace-mx {record.content}")
    breaks = (
        "is proxied, and the proxy does not take mail"
        if record.proxied
        else "is no address of this mail host, mail would go there too"
    )
    return Obstacle(record, breaks, f"to replace it, add --replace-address {record.content}")


def _cname(record: Record) -> Obstacle:
    return Obstacle(
        record,
        "a mail host and a domain with MX may not be an alias",
        f"to replace it, add --replace-cname {record.content}",
    )


def _delegation(record: Record, name: str) -> Obstacle:
    return Obstacle(
        record,
        f"delegates {name} to other nameservers, which would not know our records",
        "change the records there, or delete the delegation",
    )
