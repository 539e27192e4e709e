"""The measurements as a table: medians, their spread, and the ratio to each peer in the same round."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.mail.others import IDLE
from benchmarks.mail.receivers import NOT_DURABLE

Runs = Mapping[str, Mapping[str, Sequence[float]]]  # the numbers of all rounds, by receiver and load


def table(found: Mapping[str, Any]) -> str:
    """The table of what `measure` returned."""
    rates, mine = found["rates"], found["ours"]
    width = max(12, *(len(name) + 1 for name in rates))
    lines = ["", f"{found['conditions']}; {_pythons(found['python'])}:"]
    lines += [
        "messages a second that were in the Maildir two seconds after the last 250, median (least to most);"
    ]
    lines += ["CPU a message; memory after the load; ours to that"]
    for title in rates[mine[0]]:
        lines.append(f"  {title}")
        for name, of in rates.items():
            values, late = of[title], max(found["late"][name][title])
            accepted = statistics.median(found["accepted"][name][title])
            cpu = statistics.median(found["cpu"][name][title]) * 1e3
            memory = max(found["memory"][name][title]) / 2**20
            ours = mine if name not in mine else mine[mine.index(name) + 1 :]
            lines.append(
                f"    {name:<{width}}{statistics.median(values):7.0f}"
                f"  ({min(values):.0f} to {max(values):.0f}){cpu:8.2f} ms{memory:7.0f} MiB"
                + "".join(f"   {each} x {_ratio(rates, each, name, title):.2f}" for each in ours)
                + (f"   up to {late:.0f} LATE, {accepted:.0f} a second accepted" if late else "")
            )
    if found["neighbour"]:
        wrote = [octets / 1e6 for octets in found["neighbour"]]
        lines.append(f"  the neighbour wrote {statistics.median(wrote):.0f} MB/s (least {min(wrote):.0f})")
    for name in NOT_DURABLE & rates.keys():
        lines.append(f"  {name} has synced nothing when it answers 250: not durable mail")
    return "\n".join([*lines, *_others(found.get("others", {}))])


def _pythons(versions: Mapping[str, str]) -> str:
    """Such as `Python 3.11.7: Letterbox; Python 3.14.8: Letterbox deployed`."""
    names = {each: [name for name, of in versions.items() if of == each] for each in versions.values()}
    return "; ".join(f"Python {version}: {', '.join(of)}" for version, of in names.items())


def _ratio(rates: Runs, name: str, other: str, title: str) -> float:
    pairs = zip(rates[name][title], rates[other][title], strict=True)
    return statistics.median(mine / theirs for mine, theirs in pairs)


def _others(others: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, found in others.items():
        median, high = (seconds * 1e3 for seconds in found["noop"])
        before, idle = (octets / 2**20 for octets in found["idle"])
        lines.append(f"  {name}: {IDLE} idle connections {idle:.0f} MiB in all ({before:.0f} without);")
        lines.append(f"    {IDLE} over STARTTLS {found['idle over TLS'] / 2**20:.0f} MiB in all;")
        lines.append(f"    a 25 MiB message {found['huge'] / 2**20:.1f} MiB above idle;")
        lines.append("    NOOP beside four senders of 25 MB each:")
        lines.append(f"    median {median:.1f} ms, 99th percentile {high:.1f} ms")
    return lines
