"""Random messages, judged by the receiver, mailauth and dkimpy. A difference without a cause counts."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.receiver.checks.dkim.differential.causes import Signed, causes, tags_of
from tests.receiver.checks.dkim.differential.generate import Case, case, zone
from tests.receiver.checks.dkim.differential.peers import Mailauth, dkimpy_results, mailauth
from tests.receiver.checks.dkim.messages import results

_BATCH = 50  # messages that mailauth works on while we judge them too
_PIECES = (1, 7, 100, 65536)


@dataclass
class Comparison:
    messages: int = 0
    signatures: int = 0
    ours: Counter[str] = field(default_factory=Counter)  # by result
    explained: Counter[str] = field(default_factory=Counter)  # by peer and causes
    changes: set[str] = field(default_factory=set)
    unexplained: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"{self.messages} messages, {self.signatures} signatures: "
            + ", ".join(f"{count} {result}" for result, count in self.ours.most_common())
        ]
        lines += [f"  {count} differ: {why}" for why, count in self.explained.most_common()]
        lines += [f"{len(self.unexplained)} differences without a cause", *self.unexplained[:20]]
        return "\n".join(lines)


def compare(count: int, start: int = 0) -> Comparison:
    """Judge the messages of these numbers. Raises OSError if mailauth cannot be installed."""
    found = Comparison()
    with mailauth(zone()) as other:
        for first in range(start, start + count, _BATCH):
            numbers = range(first, min(first + _BATCH, start + count))
            _compare_batch(found, other, numbers)
    return found


def _compare_batch(found: Comparison, other: Mailauth, numbers: Iterable[int]) -> None:
    cases = [(number, case(number)) for number in numbers]
    for _, each in cases:
        other.ask(each.message)
    judged = []
    for number, each in cases:
        piece = _PIECES[random.Random(number).randrange(len(_PIECES))]
        ours = results(each.message, each.zone, piece, time.time())
        judged.append((number, each, ours, dkimpy_results(each.message, each.zone, len(ours))))
    for number, each, ours, by_dkimpy in judged:
        by_mailauth = other.results()
        found.messages += 1
        found.changes.update(each.changes)
        if len(by_mailauth) != len(ours):
            found.unexplained.append(f"message {number}: {len(ours)} results, mailauth {len(by_mailauth)}")
            continue
        for place, (our, *theirs) in enumerate(zip(ours, by_mailauth, by_dkimpy, strict=True)):
            found.signatures += 1
            found.ours[our.result] += 1
            for peer, (result, comment) in zip(("mailauth", "dkimpy"), theirs, strict=True):
                if (our.result == "pass") != (result == "pass"):
                    why = causes(signed(each, place), peer, result == "pass")
                    if why:
                        found.explained[f"{peer}, {' and '.join(why)}"] += 1
                    else:
                        found.unexplained.append(
                            f"message {number}, signature {place}: ours {our.result} ({our.reason}), "
                            f"{peer} {result} ({comment[:120]}); changes: {', '.join(each.changes)}"
                        )


def signed(each: Case, place: int) -> Signed:
    """The message as the signature in that place sees it."""
    head, _, body = each.message.partition(b"\r\n\r\n")
    raws = re.split(rb"\r\n(?![ \t])", head)
    names = [raw.partition(b":")[0] for raw in raws]
    own = [at for at, name in enumerate(names) if name.strip().lower() == b"dkim-signature"][place]
    tags = tags_of(raws[own].partition(b":")[2])
    records = each.zone.get(f"{tags.get('s', '')}._domainkey.{tags.get('d', '')}".lower(), ())
    fields = [(name, raw.partition(b":")[2]) for name, raw in zip(names, raws, strict=True)]
    return Signed(raws[own], tags, records, fields, body, own)
