"""Whether CAA records let the authority renew the certificate of a mail host, and whom else (RFC 8659). Pure.

What is answered counts, and not what the zone holds: where Universal SSL is on, Cloudflare answers records of
its own (CVE-2026-14440), and no account or method binds anybody.

A host that nobody may renew the certificate of loses it within weeks. So that is required.
"""

from __future__ import annotations

from collections.abc import Iterator

from dns.caa import allowed
from dns.caa.properties import TYPE, bound
from dns.check.findings import ELSEWHERE, Finding, advised, required, unknown
from dns.inventory import host_account
from dns.world.seen import CaaSeen, HostSeen, Seen


def judge(seen: Seen) -> Iterator[Finding]:
    """The findings about CAA at the mail hosts. A host with a self-signed certificate needs none."""
    if seen.delegation is None:
        return  # then nothing is known of any zone
    for host in seen.hosts:
        if host.authority:
            yield from _host(host, seen)


def _host(host: HostSeen, seen: Seen) -> Iterator[Finding]:
    told = [one for one in host.caa if not one.failure]
    if not told:
        why = f"{host.caa[0].at}: {host.caa[0].failure}" if host.caa else "its nameservers could not be asked"
        problem = f"{host.hostname} CAA: whether its certificate may be renewed is not known ({why})"
        yield unknown("caa", problem, ELSEWHERE, host.hostname, TYPE)
        return
    account = _account(host)
    alike: dict[tuple[str, frozenset[str]], list[CaaSeen]] = {}
    for one in told:
        alike.setdefault((one.at, one.answer.values), []).append(one)
    for (at, values), answered in alike.items():
        where = (
            "" if len(answered) == len(host.caa) else f" at {', '.join(str(one.server) for one in answered)}"
        )
        verdict = allowed.judge(values, account)
        if verdict.allowed is None:
            yield _not_known(host, f"{at} CAA{where}: {verdict.reason}", seen.domain)
        elif not verdict.allowed:
            yield _forbidden(host, at, f"{at} CAA{where}: {verdict.reason}", seen)
        elif host.binds:
            yield from _loose(host, at, values, account, where, seen)


def _account(host: HostSeen) -> allowed.Account:
    """Who renews the certificate, as far as the host said, or as the authority's name says."""
    identities = host_account.identities_of(host.authority)
    if host.keys is None:
        return allowed.Account(identities)
    return allowed.Account(host.keys.identities or identities, host.keys.account)


def _not_known(host: HostSeen, problem: str, domain: str) -> Finding:
    if host.keys is None:
        fix = f"python -m dns.check {domain}, which asks the host"
        if not host.binds:
            fix = (
                'compare it with "account" in the state.json of the renewal, or add "caa": True to the domain'
            )
        return advised("caa-account", problem, fix, host.hostname, TYPE)
    fix = "let ssh reach the host from here, or run this where the certificate is renewed"
    return unknown("caa", problem, fix, host.hostname, TYPE)


def _forbidden(host: HostSeen, at: str, problem: str, seen: Seen) -> Finding:
    sync = f"python -m dns.sync {seen.domain}"
    if host.binds and host.keys and host.keys.account and host.keys.identities:
        fix = sync if at != host.hostname else f"{sync}; if it stays, delete the record that is not ours"
    else:
        identities = _account(host).identities
        name = next(iter(identities), "the authority")
        fix = f'add {host.hostname}. CAA 0 issue "{name}", or take away what forbids it'
    return required(
        "caa-forbids",
        f"{problem}, so the certificate of {host.hostname} cannot be renewed",
        fix,
        host.hostname,
        TYPE,
    )


def _loose(
    host: HostSeen, at: str, values: frozenset[str], account: allowed.Account, where: str, seen: Seen
) -> Iterator[Finding]:
    """Whether others may issue although a domain asks that nobody else may."""
    if not account.uri or not account.identities:
        return  # nothing of ours is published yet
    content = bound(next(iter(account.identities)), account.uri)
    others = list(allowed.others(values, account)) if at == host.hostname else []
    if others:
        yield advised(
            "caa-widened",
            f"{host.hostname} CAA{where}: is answered with more than our record, so {' and '.join(others)} "
            "may issue a certificate for it too, and whoever deceives them about who has the name gets one. "
            f"Cloudflare does this where Universal SSL is on ({allowed.WIDENED}): it is no fault of yours",
            "if no name of the zone is proxied, switch Universal SSL off (SSL/TLS > Edge Certificates); else "
            "leave it, and watch Certificate Transparency for the name; if such a record is yours, delete it",
            host.hostname,
            TYPE,
        )
    elif content not in values:
        yield advised(
            "caa-missing",
            f"{host.hostname}. CAA {content}: is missing{where}, so other accounts and authorities may issue "
            "a certificate for it",
            f"python -m dns.sync {seen.domain}",
            host.hostname,
            TYPE,
        )
