"""check_host() of RFC 7208 section 4: may this address send mail for that domain?"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass

from receiver.checks.dns_query import IPAddress, Resolver, TemporaryFailure
from receiver.checks.results import SPF
from receiver.checks.spf import macros
from receiver.checks.spf.domains import to_a_labels
from receiver.checks.spf.lookups import Lookups
from receiver.checks.spf.macros import PermanentError, Text
from receiver.checks.spf.record import Mechanism, Record, is_record, parse

_MOST_OCTETS = (
    65_536  # of all records that one check parses. It is a bound of ours on the time that this takes.
)


async def check_host(
    resolver: Resolver,
    ip: IPAddress,
    domain: str,
    sender: str,
    helo: str,
    receiver: str = "unknown",
    identity: str = "mailfrom",
    *,
    explain: bool = False,
) -> SPF:
    """Check whether `ip` may send for `domain`. Raises nothing for what strangers publish or DNS does.

    `identity` is `mailfrom`, or `helo` for the null path `<>`. For `helo`, `domain` is the name of HELO, and
    `sender` may be empty (section 2.4). A missing local part is `postmaster`. `receiver` is our hostname.
    With `explain` a fail carries the domain's own explanation (section 6.2). It costs at least one question,
    and a result that is known would wait for it, so it is left out if nobody reads it.
    """
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ipaddress.IPv6Address(int(ip))  # without the scope of an interface
    name = to_a_labels(domain.removesuffix("."))
    shown = helo if identity == "helo" else sender
    if name is None or "." not in name:
        return SPF("none", domain, identity, shown, "not a domain name")
    lookups = Lookups(resolver, ip)
    check = _Check(lookups, ip, name, sender, helo, receiver)
    reason = explanation = ""
    try:
        verdict = await check.policy(name)
        result = verdict.result
        if explain and result == "fail" and verdict.explanation:
            explanation = await check.explanation(verdict.explanation, verdict.domain)
    except PermanentError as error:
        result, reason = "permerror", str(error)
    except TemporaryFailure as error:
        result, reason = "temperror", str(error) or "DNS did not answer"
    finally:
        lookups.cancel()
    return SPF(result, name.lower(), identity, shown, reason, explanation)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a domain's policy says, and where its explanation is, for a fail."""

    result: str
    domain: str = ""
    explanation: Text | None = None


class _Check:
    """One check. It follows `include` and `redirect` through the policies of other domains."""

    def __init__(
        self, lookups: Lookups, ip: IPAddress, domain: str, sender: str, helo: str, receiver: str
    ) -> None:
        local, _, host = sender.rpartition("@")
        self._lookups = lookups
        self._ip = ip
        self._local = local or "postmaster"
        self._host = to_a_labels(host) or host or domain
        self._helo = helo
        self._receiver = receiver
        self._octets = 0  # of the records that were parsed

    async def policy(self, domain: str) -> _Verdict:
        """What the policy of a domain says. `none` if it has none, or if no domain can have this name."""
        record = await self._record(domain)
        if record is None:
            return _Verdict("none")
        self._lookups.begin(record, domain)
        for mechanism in record.mechanisms:
            if await self._matches(mechanism, domain):
                return _Verdict(mechanism.result, domain, record.explanation)
        if record.redirect is None:
            return _Verdict("neutral")
        self._lookups.count_term()
        target = await self._expanded(record.redirect, domain)
        found = await self.policy(target)
        if found.result == "none":
            raise PermanentError(f"redirect to {target[:60]!a}, which has no policy")
        return found

    async def explanation(self, where: Text, domain: str) -> str:
        """What a domain says of a fail. It is empty if it cannot be had, whatever the cause (section 6.2)."""
        try:
            target = macros.expand_name(where, await self._values(where, domain))
            found = await self._lookups.texts(target)
            if len(found) != 1 or not found[0].isascii():
                return ""
            text = macros.parse(found[0].decode("ascii"), macros.IN_EXPLANATIONS)
            shown = macros.expand_explanation(text, await self._values(text, domain))
            return shown if shown.isprintable() else ""
        except (PermanentError, TemporaryFailure):
            return ""

    async def _record(self, domain: str) -> Record | None:
        found = [octets for octets in await self._lookups.texts(domain) if is_record(octets)]
        if len(found) > 1:
            raise PermanentError("more than one SPF record")
        if not found:
            return None
        self._octets += len(found[0])
        if self._octets > _MOST_OCTETS:
            raise PermanentError(f"policies of more than {_MOST_OCTETS} octets")
        return parse(found[0])

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        if mechanism.network is not None:
            return self._lookups.matches(mechanism.network)
        if mechanism.name == "all":
            return True
        self._lookups.count_term()
        target = domain
        if mechanism.domain is not None:
            if not self._local.isascii() and not macros.letters_of(mechanism.domain).isdisjoint("sl"):
                return False  # it cannot be in DNS (RFC 8616 section 4)
            target = await self._expanded(mechanism.domain, domain)
        match mechanism.name:
            case "include":
                result = (await self.policy(target)).result
                if result == "none":
                    raise PermanentError(f"include of {target[:60]!a}, which has no policy")
                return result == "pass"
            case "exists":
                return await self._lookups.exists(target)
            case "ptr":
                return any(_is_within(name, target) for name in await self._lookups.names())
        length = mechanism.length4 if self._ip.version == 4 else mechanism.length6
        if mechanism.name == "a":
            return await self._lookups.a_matches(target, length)
        return await self._lookups.mx_matches(target, length)

    async def _expanded(self, text: Text, domain: str) -> str:
        """The name that a term means. `p` asks for the peer's names, so it counts as a term of its own."""
        if macros.is_plain(text):
            return text[0].removesuffix(".")
        if "p" in macros.letters_of(text) and not self._lookups.knows_names:
            self._lookups.count_term()
        return macros.expand_name(text, await self._values(text, domain))

    async def _values(self, text: Text, domain: str) -> dict[str, str]:
        """The value of each macro letter (section 7.2)."""
        ip = self._ip
        values = {
            "s": f"{self._local}@{self._host}",
            "l": self._local,
            "o": self._host,
            "d": domain,
            "i": str(ip) if ip.version == 4 else ".".join(f"{int(ip):032X}"),
            "v": "in-addr" if ip.version == 4 else "ip6",
            "h": self._helo,
            "c": str(ip),
            "r": self._receiver,
            "t": str(int(time.time())),
        }
        if "p" in macros.letters_of(text):
            values["p"] = _best(await self._lookups.names(), domain)
        return values


def _is_within(name: str, domain: str) -> bool:
    name, domain = name.lower(), domain.lower()
    return name == domain or name.endswith(f".{domain}")


def _best(names: Sequence[str], domain: str) -> str:
    """The value of `p`: the domain itself, else a name in it, else any (section 7.3)."""
    within = [name for name in names if _is_within(name, domain)]
    same = [name for name in within if len(name) == len(domain)]
    return (*same, *within, *names, "unknown")[0]
