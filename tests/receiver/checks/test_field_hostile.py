"""The Authentication-Results field with hostile values: two independent readers find what was meant.

One is authres. The other is the grammar of RFC 8601 section 2.2, because authres leaves out a quoted string
if another property follows it.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from email import message_from_bytes

import authres
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.checks import field
from receiver.checks.results import DKIM, DMARC, SPF, Reverse

HOST = "mx1.example.com"
HOSTILE = (
    "a@b.test", 'x"y@b.test', "a;dkim=pass@b.test", "a\r\nX: y@b.test", "\u00e4@b.test", "(c)@b.test",
    "a b@b.test", "", "x" * 400 + "@b.test", "\\", '"', '\\"', "a=b", "b.test; dmarc=pass header.from=x",
    ")(", "\0", "=?utf-8?q?x?=", "\u202e\udc80", "a" * 64 + "@" + "b." * 120 + "test", ";", "; none", "a@b@c",
    "\r\n\r\n", '" ; spf=pass x="', "reason", "x.y=z", "1", "@", "@b.test", ".", "a.", "/", "a/1", "\t", " ",
    "\U0001f600" * 90, '"' * 300, "(" * 300,
)  # fmt: skip
RESULTS = ("none", "pass", "fail", "softfail", "neutral", "policy", "temperror", "permerror")

TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"
QUOTED = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
COMMENT = r"(?:\s+\([ !-'*-\[\]-~\s]*\))?"
VALUE = rf"(?:{QUOTED}|[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.-]*@[A-Za-z0-9.-]+|{TOKEN})"
PROPERTY = rf"\s+((?:smtp|header|policy)\.[a-z]+|reason)=({VALUE})"
RESULT = re.compile(
    rf";\s+([a-z]+)=([a-z]+){COMMENT}((?:{PROPERTY.replace('(', '(?:').replace('(?:?:', '(?:')})*){COMMENT}"
)


@dataclass(frozen=True)
class Message:
    """What the checks found out about a message."""

    reverse: Reverse | None
    peer: str
    spf: SPF
    dkim: list[DKIM]
    dmarc: DMARC

    def write(self) -> str:
        written = field.write(HOST, self.reverse, self.peer, self.spf, self.dkim, self.dmarc)
        assert len(written) <= 2048
        return written.decode("ascii")


def read_strictly(written: str) -> list[tuple[str, str, dict[str, str]]]:
    """The methods, results and properties, by the grammar without its obsolete forms."""
    begin = re.match(rf"Authentication-Results:\s+{TOKEN}", written)
    assert begin
    at, results = begin.end(), []
    while found := RESULT.match(written, at):
        values = {name: unquoted(value) for name, value in re.findall(PROPERTY, found[3])}
        results.append((found[1], found[2], values))
        at = found.end()
    assert written[at:] == "\r\n"
    return results


def unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def is_meant(value: str, read: str | None) -> bool:
    """Whether that can be read for a value: itself in ASCII, or its end if it is too long."""
    if read is None:
        return value == ""
    clean = "".join(each if " " <= each <= "~" else "?" for each in value)
    return read == clean or (len(clean) > 30 and read.startswith("...") and clean.endswith(read[3:]))


def check_form(written: str) -> None:
    lines = written.split("\r\n")
    assert lines[-1] == ""
    assert all(re.fullmatch(r"\t{1,2}[!-~](?:[ -~]*[!-~])?", line) for line in lines[1:-1])
    assert max(map(len, lines)) <= 400
    # A line is only longer than 78 octets if it is one word.
    assert all(
        len(line) <= 78 or re.fullmatch(r'\t\t(?:[a-z.]+=)?(?:"[^\n]*"|[^ ]+);?', line) for line in lines
    )
    assert message_from_bytes(f"{written}\r\nbody".encode()).keys() == ["Authentication-Results"]


def check_meaning(message: Message, written: str) -> None:
    read = read_strictly(written)
    signatures = [each for each in read if each[0] == "dkim"]
    others = read[len(signatures) :]
    left_out = re.search(r"\((\d+) more signatures\)", written)
    given = message.dkim or [DKIM("none")]
    assert len(signatures) + int(left_out[1] if left_out else 0) == len(given)
    rest = iter(given)
    for _, result, values in signatures:
        assert any(each.result == result and is_signature(each, values) for each in rest)
    spf, dmarc, reverse = message.spf, message.dmarc, message.reverse
    assert [each[:2] for each in others] == [
        ("spf", spf.result),
        ("dmarc", dmarc.result),
        *([("iprev", reverse.result)] if reverse else []),
    ]
    assert is_meant(spf.sender, others[0][2].get(f"smtp.{spf.identity}"))
    assert is_meant(spf.reason, others[0][2].get("reason"))
    assert is_meant(dmarc.domain, others[1][2].get("header.from"))
    assert is_meant(dmarc.reason, others[1][2].get("reason"))
    assert reverse is None or is_meant(message.peer, others[2][2].get("policy.iprev"))
    check_authres(written, read)


def is_signature(signature: DKIM, values: dict[str, str]) -> bool:
    texts = {
        "reason": signature.reason,
        "header.d": signature.domain,
        "header.i": signature.identity,
        "header.s": signature.selector,
        "header.a": signature.algorithm,
        "header.b": signature.signature,
    }
    return all(is_meant(value, values.get(name)) for name, value in texts.items())


def check_authres(written: str, read: list[tuple[str, str, dict[str, str]]]) -> None:
    found = authres.AuthenticationResultsHeader.parse(written.replace("\r\n", ""))
    assert found.authserv_id == HOST
    assert [(each.method, each.result) for each in found.results] == [each[:2] for each in read]
    for each, (_, _, values) in zip(found.results, read, strict=True):
        for seen in each.properties:
            assert values[f"{seen.type}.{seen.name}"] == re.sub(r"\\(.)", r"\1", seen.value)
        assert values.get("reason") == (each.reason and re.sub(r"\\(.)", r"\1", each.reason))


def test_4000_fields_with_hostile_values_are_read_as_meant() -> None:
    chance = random.Random(5)

    def value() -> str:
        return chance.choice(HOSTILE)

    def result() -> str:
        return chance.choice(RESULTS)

    def signature() -> DKIM:
        bits = chance.choice((0, 512, 2048))
        return DKIM(result(), value(), value(), value(), value(), value(), value(), bits, bits == 512)

    for _ in range(4000):
        message = Message(
            chance.choice((None, Reverse(result(), value()))),
            chance.choice(("192.0.2.1", "2001:db8::1")),
            SPF(result(), value(), chance.choice(("mailfrom", "helo")), value(), value(), value()),
            [signature() for _ in range(chance.randint(0, 3))],
            DMARC(
                result(), value(), value()[:253], value()[:253], value()[:253], chance.choice(("", "dkim"))
            ),
        )
        written = message.write()
        check_form(written)
        check_meaning(message, written)


TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=400), st.text('"\\;=@.( )\r\n\tax', max_size=60))
RESULT_WORDS = st.sampled_from(RESULTS)
DOMAINS = TEXTS.map(lambda text: text[:253])


@settings(max_examples=200, deadline=None)
@given(
    st.builds(
        Message,
        st.none() | st.builds(Reverse, RESULT_WORDS, TEXTS),
        st.ip_addresses().map(str),
        st.builds(SPF, RESULT_WORDS, TEXTS, st.sampled_from(["mailfrom", "helo"]), TEXTS, TEXTS),
        st.lists(
            st.builds(DKIM, RESULT_WORDS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, st.integers(0)),
            max_size=8,
        ),
        st.builds(
            DMARC, RESULT_WORDS, TEXTS, DOMAINS, DOMAINS, DOMAINS, st.sampled_from(["", "dkim", "spf"])
        ),
    )
)
def test_any_values_fit_and_are_read_as_meant(message: Message) -> None:
    written = message.write()
    check_form(written)
    check_meaning(message, written)
