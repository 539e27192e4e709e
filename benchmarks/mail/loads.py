"""The loads that are put on each receiver."""

from __future__ import annotations

import argparse
import dataclasses

from benchmarks.mail.load import Load

# Each load lasts at least a second, because the start of `smtp-source` and its connections would count else.
LOADS = (
    Load("1 session", 1, 1200, 10_240),
    Load("20 sessions", 20, 6000, 10_240),
    Load("200 sessions", 200, 9000, 10_240),
    Load("1, one a connection", 1, 1000, 10_240, kept=False),
    Load("20, one a connection", 20, 4000, 10_240, kept=False),
    Load("200, one a connection", 200, 4000, 10_240, kept=False),
    Load("20 x 1 MiB", 20, 320, 1 << 20),
)
# Mail as it really comes: over STARTTLS. `smtp-source` knows none, so our own client puts these loads.
TLS_LOADS = (
    Load("1, TLS", 1, 1200, 10_240, tls=True),
    Load("20, TLS", 20, 6000, 10_240, tls=True),
    Load("1, TLS, one a connection", 1, 500, 10_240, kept=False, tls=True),
    Load("20, TLS, one a connection", 20, 2000, 10_240, kept=False, tls=True),
    Load("200, TLS, one a connection", 200, 2000, 10_240, kept=False, tls=True),
)
SHORT = 4  # --short sends one in this number of the messages
SLOW_LOADS = ("1 session", "20 sessions", "200 sessions")


def wanted(arguments: argparse.Namespace) -> list[Load]:
    """The loads that these arguments ask for."""
    known = (*LOADS, *TLS_LOADS)
    usual = [each.title for each in (TLS_LOADS if arguments.tls else LOADS)]
    titles = arguments.load or (SLOW_LOADS if arguments.sync_delay else usual)
    part = SHORT if arguments.short else 1
    loads = [
        dataclasses.replace(each, messages=each.messages // part) for each in known if each.title in titles
    ]
    both = [
        dataclasses.replace(each, title=f"{each.title}, own client", own_client=True)
        for each in loads
        if arguments.own_client and not each.tls
    ]
    return sorted([*loads, *both], key=lambda each: titles.index(each.title.removesuffix(", own client")))
