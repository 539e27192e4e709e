"""The walk up the DNS tree: which record applies, and the Organizational Domain (RFC 9989 section 4.10)."""

from __future__ import annotations

from receiver.checks.dmarc.record import Record, parse
from receiver.checks.dns_query import Resolver, is_askable, txt

_MOST_LABELS = 8  # of a name from which a walk asks for each name above (section 4.10 step 4)


class Tree:
    """The records at the names of the DNS tree. Each name is asked for once."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._records: dict[str, Record | None] = {}

    async def record(self, name: str) -> Record | None:
        """The one record that is published at a name. Raises TemporaryFailure."""
        if name not in self._records:
            asked = f"_dmarc.{name}"
            answers = await txt(self.resolver, asked) if is_askable(asked) else ()
            found = [record for record in map(parse, answers) if record]
            self._records[name] = found[0] if len(found) == 1 else None
        return self._records[name]

    async def walk(self, domain: str) -> list[tuple[str, Record]]:
        """The records from the domain upwards, with their names (section 4.10). At most 8 questions."""
        labels = domain.split(".")
        found: list[tuple[str, Record]] = []
        left = len(labels)
        while left:
            name = ".".join(labels[-left:])
            record = await self.record(name)
            if record:
                found.append((name, record))
                if record.psd != "u":
                    break
            left = left - 1 if left < _MOST_LABELS else _MOST_LABELS - 1
        return found

    async def organization(self, domain: str) -> str:
        """The Organizational Domain of a domain (section 4.10.2)."""
        found = await self.walk(domain)
        for name, record in found:
            if record.psd == "n":
                return name
            if record.psd == "y" and name != domain:
                return ".".join(domain.split(".")[-(name.count(".") + 2) :])
        return found[-1][0] if found else domain

    async def policy_record(self, author: str) -> tuple[str, Record | None]:
        """The record that applies, and its name: the author's, its organization's, or the PSD's (4.10.1)."""
        record = await self.record(author)
        if record:
            return author, record
        found = await self.walk(author)
        if not found:
            return author, None
        organization = await self.organization(author)
        return next((each for each in found if each[0] == organization), found[-1])
