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
# Mail from 20 senders with SPF, DKIM and DMARC, for receivers that check it. Our own client puts these loads.
CHECKED_LOADS = (
    Load("20, unsigned", 20, 6000, 10_240, checked=True),
    Load("20, signed", 20, 4000, 10_240, checked=True, signed=True),
    Load("20 x 1 MiB, signed", 20, 320, 1 << 20, checked=True, signed=True),
)
SHORT = 4  # --short sends one in this number of the messages
SLOW_LOADS = ("1 session", "20 sessions", "200 sessions")


def known(arguments: argparse.Namespace) -> tuple[Load, ...]:
    """The loads that these arguments can choose from."""
    return CHECKED_LOADS if arguments.checks else (*LOADS, *TLS_LOADS)


def wanted(arguments: argparse.Namespace) -> list[Load]:
    """The loads that these arguments ask for."""
    usual = known(arguments) if arguments.checks else TLS_LOADS if arguments.tls else LOADS
    slow = SLOW_LOADS if arguments.sync_delay and not arguments.checks else ()
    titles = arguments.load or slow or [each.title for each in usual]
    part = SHORT if arguments.short else 1
    loads = [
        dataclasses.replace(each, messages=each.messages // part)
        for each in known(arguments)
        if each.title in titles
    ]
    both = [
        dataclasses.replace(each, title=f"{each.title}, own client", own_client=True)
        for each in loads
        if arguments.own_client and not each.tls and not each.checked
    ]
    return sorted([*loads, *both], key=lambda each: titles.index(each.title.removesuffix(", own client")))
