"""Policies of somebody else at our names: SPF, DMARC, TLS reports, an alias in place of a TLSA. Pure.

A name may have only one record of SPF (RFC 7208), of DMARC (RFC 7489) and of TLSRPT (RFC 8460). If somebody
else's is there, it stays and ours is not published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dns.records import Record, ZoneRecord


def foreign_policy(wanted: Record, others: Iterable[Record], aliases: Mapping[str, Record]) -> Record | None:
    """Find the record among `others` or `aliases` that is in the place of this SPF, DMARC, TLSRPT or TLSA.

    Another TLSA is in nobody's place: a sender takes any of them that fits (RFC 7672, section 3.1.1).
    """
    if wanted.type == "TLSA":
        return aliases.get(wanted.name)
    if wanted.type != "TXT":
        return None
    version = wanted.content.split(";")[0].split()[0].lower()
    for record in others:
        if (record.type, record.name) == ("TXT", wanted.name) and record.content.lower().startswith(version):
            return record
    return aliases.get(wanted.name)


def lonely_keys(
    wanted: Iterable[Record], foreign: Iterable[ZoneRecord], going: Iterable[ZoneRecord]
) -> Iterator[str]:
    """Say which TLSA of somebody else stay alone at a name, because ours go.

    While ours stood beside them, it made no difference whether they fit (RFC 7672, section 3.1.1).
    """
    names = {held.record.name for held in going if held.record.type == "TLSA"}
    names -= {record.name for record in wanted if record.type == "TLSA"}
    for held in foreign:
        if held.record.type == "TLSA" and held.record.name in names:
            yield (
                f"{held.record.zone_line}: is not ours and stays: unless the host serves what it names, "
                "senders that do DANE defer its mail"
            )
