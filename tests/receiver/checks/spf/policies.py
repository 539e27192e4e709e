"""Random policies and the zones around them, by turns right, odd and wrong."""

from __future__ import annotations

import ipaddress
from random import Random

from tests.receiver.checks.zone import Entry

PEERS = ("192.0.2.1", "2001:db8::1")
SENDER, HELO = "alice-b@n0.test", "n2.test"
_NAMES = (*(f"n{number}.test" for number in range(8)), "deep.n1.test")
_MACROS = (
    "%{d}", "%{d2}", "%{o}", "%{l}.x.test", "%{ir}.%{v}.x.test", "%{p}.x.test", "%{l1r-}.x.test",
    "%{s}.x.test",
    "%{h}", "%{L+}.x.test", "%{d1}", "%{p2}.x.test", "%{i}.x.test", "%%.x.test", "a%-.x.test", "a%_b.x.test",
    "%{D2r}.test",
)  # fmt: skip
_ODD = ("n1.test.", "b..test", "none.test", "dead.test", "a.b-c", f"{'x' * 64}.test")
_WRONG = ("n1", "%{z}", "a.1", "%{d}x", "a.b%", "%{c}")
_ANSWERED = (
    "alice-b.x.test", "1.2.0.192.in-addr.x.test", "192.0.2.1.x.test", "n1.test.x.test", "%.x.test",
    "b.alice.x.test",
)  # fmt: skip
_LENGTHS = ("", "", "", "/24", "//64", "/24//64", "/0", "//0", "/32//128")
_WRONG_LENGTHS = ("/33", "/08", "/", "//129", "/8/8")
_IP4 = ("192.0.2.0/24", "192.0.2.1", "10.0.0.0/8", "192.0.2.1/31", "0.0.0.0/0")
_WRONG_IP4 = ("1.2.3", "192.0.2.1/33", "192.0.2.1/", "192.0.02.1")
_IP6 = ("2001:db8::/32", "::1", "::/0", "2001:db8::1/128", "::ffff:192.0.2.1", "2001:db8::192.0.2.1/96")
_WRONG_IP6 = ("2001:db8::1/129", "1::2::3", ":::1")


class Policies:
    """The policies that a seed gives."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def table(self) -> dict[str, list[Entry]]:
        """A zone whose names all have a policy, addresses and MX hosts."""
        choice = self._random.choice
        table: dict[str, list[Entry]] = {}
        for name in _NAMES:
            hosts = [f"MX {each} {choice(_NAMES)}" for each in range(self._random.randint(1, 3))]
            four, six = choice((PEERS[0], "192.0.2.77", "198.51.100.1")), choice((PEERS[1], "2001:db8:1::1"))
            table[name] = [f"TXT {self.policy()}", f"A {four}", f"AAAA {six}", *hosts]
        for name in _ANSWERED:
            if self._random.random() < 0.6:
                table[name] = ["A 127.0.0.2", "TXT v=spf1 all"]
        table["none.test"] = ["TXT x", "A 192.0.2.9", "AAAA ::2", "MX 1 n1.test"]
        table["dead.test"] = ["TIMEOUT"]
        for peer in PEERS:
            table[ipaddress.ip_address(peer).reverse_pointer] = [f"PTR {choice(_NAMES)}" for _ in range(3)]
        return table

    def policy(self) -> str:
        """A record of one to four terms."""
        return " ".join(["v=spf1", *(self._term() for _ in range(self._random.randint(1, 4)))])

    def _term(self) -> str:
        choice = self._random.choice
        name = choice(
            ("all", "a", "a", "mx", "mx", "include", "include", "exists", "ptr", "ip4", "ip6", "=", "?")
        )
        if name == "=":
            return choice(("redirect=", "redirect=", "x=", "exp=")) + self._domain()
        if name == "?":
            return self._mostly(
                ("x=y", "X-y=%{s}", "ip4=1", "default=pass"), ("=", "foo", "v=spf1", "all:", "x=%{z}")
            )
        qualifier = choice(("", "", "", "+", "-", "~", "?"))
        if name in ("ip4", "ip6"):
            value = self._mostly(_IP4, _WRONG_IP4) if name == "ip4" else self._mostly(_IP6, _WRONG_IP6)
            return f"{qualifier}{name}:{value}"
        domain = f":{self._domain()}" if name in ("include", "exists") or choice((True, True, False)) else ""
        lengths = self._mostly(_LENGTHS, _WRONG_LENGTHS) if name in ("a", "mx") else ""
        return f"{qualifier}{name}" if name == "all" else f"{qualifier}{name}{domain}{lengths}"

    def _domain(self) -> str:
        return self._mostly((*_NAMES, *_NAMES, *_MACROS, *_ODD), _WRONG)

    def _mostly(self, right: tuple[str, ...], wrong: tuple[str, ...]) -> str:
        return self._random.choice(right if self._random.random() < 0.97 else wrong)
