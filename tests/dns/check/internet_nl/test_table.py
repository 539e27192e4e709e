"""How the points are summed up, for people and for programs. Pure."""

from __future__ import annotations

from typing import Any

from dns.check.internet_nl import lines, to_json
from dns.check.internet_nl.points import fails, holds, phase_out, point, unknown
from tests.dns.check.internet_nl.domain import (
    FAILS,
    HOLDS,
    PHASE_OUT,
    UNKNOWN,
)


class TestSummingUp:
    POINTS = (
        point("ipv6_ns_address", [holds("2 name servers have one")]),
        point("starttls_tls_ciphers", [holds("3"), phase_out("mx takes OLD", "leave OLD out")]),
        point("starttls_tls_version", [unknown("mx: no answer"), fails("mx offers SSL 3.0", "turn it off")]),
        point("starttls_cert_caa", []),
    )

    def test_a_point_is_as_good_as_its_worst_verdict(self) -> None:
        assert [each.outcome for each in self.POINTS] == [HOLDS, PHASE_OUT, FAILS, UNKNOWN]
        assert self.POINTS[2].cause == "mx offers SSL 3.0"

    def test_the_table_counts_and_has_cause_and_fix(self) -> None:
        text = lines(self.POINTS)
        assert text[0].endswith(
            "2 of 4 hold, 1 of these with what is to be phased out, 1 not, 1 not known from here"
        )
        (at,) = [number for number, line in enumerate(text) if "TLS version" in line]
        assert "does not hold" in text[at] and "mx offers SSL 3.0" in text[at]
        assert text[at + 1].strip() == "-> turn it off"
        assert any("CAA (recommended)" in line for line in text)
        assert "RPKI" in text[-1]

    def test_programs_get_each_point(self) -> None:
        found: Any = to_json(self.POINTS)
        assert found["count"] == {
            "does not hold": 1,
            "not known from here": 1,
            "to be phased out": 1,
            "holds": 1,
        }
        assert found["points"][0] == {
            "code": "ipv6_ns_address",
            "category": "Modern address (IPv6)",
            "label": "IPv6 addresses for name servers",
            "requirement": "required",
            "outcome": "holds",
            "cause": "2 name servers have one",
            "fix": "",
        }
