"""What is published as a key, how it is asked for, and what a missing answer means."""

from __future__ import annotations

import asyncio
import base64

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from receiver.checks import header_fields
from receiver.checks.dkim import Signatures
from receiver.checks.dns_query import Answer
from tests.receiver.checks.dkim.messages import (
    BODY,
    FIELDS,
    NOW,
    TAGS,
    Zone,
    der,
    ed25519,
    message,
    record,
    result,
    results,
    rsa,
    signed,
    unusual,
    zone,
)
from tests.receiver.checks.dkim.naive import sign

GOOD = base64.b64encode(der(rsa())).decode()
PKCS1 = base64.b64encode(der(rsa(), PublicFormat.PKCS1)).decode()


@pytest.mark.parametrize(
    ("text", "expected", "reason"),
    [
        (f"v=DKIM1; p={GOOD}", "pass", ""),
        (f"p={GOOD}", "pass", ""),
        (f"k=RSA; p={GOOD};", "pass", ""),
        (f" v = DKIM1 ;\tk = rsa ; p = {GOOD[:60]} \t {GOOD[60:]} ; ", "pass", ""),
        (f"v=DKIM1; p={PKCS1}", "pass", ""),
        (f"v=DKIM1; n=notes, of = all kinds; p={GOOD}", "pass", ""),
        (f"v=DKIM1; x_new=1; p={GOOD}", "pass", ""),
        (f"v=DKIM1; x-new=1; p={GOOD}", "permerror", "key record"),
        (f"v=DKIM1;; p={GOOD}", "permerror", "key record"),
        (f"v=DKIM1; h=sha1:sha256; p={GOOD}", "pass", ""),
        (f"v=DKIM1; h=; p={GOOD}", "pass", ""),
        (f"v=DKIM1; h=sha1; p={GOOD}", "permerror", "SHA-256"),
        (f"v=DKIM1; s=email; p={GOOD}", "pass", ""),
        (f"v=DKIM1; s= tlsrpt : * ; p={GOOD}", "pass", ""),
        (f"v=DKIM1; s=tlsrpt; p={GOOD}", "permerror", "TLS reports alone"),
        (f"v=DKIM1; s=other; p={GOOD}", "permerror", "e-mail"),
        (f"p={GOOD}; v=DKIM1", "permerror", "version"),
        (f"v=DKIM2; p={GOOD}", "permerror", "version"),
        (f"v=dkim1; p={GOOD}", "permerror", "version"),
        (f"v=DKIM1; k=rsa; k=rsa; p={GOOD}", "permerror", "twice"),
        (f"v=DKIM1; k=dsa; p={GOOD}", "permerror", "kind"),
        (f"v=DKIM1; k=ed25519; p={GOOD}", "permerror", "kind"),
        ("v=DKIM1; p=", "permerror", "revoked"),
        ("v=DKIM1; p= ;", "permerror", "revoked"),
        ("v=DKIM1", "permerror", "without p="),
        ("v=spf1 -all", "permerror", "key record"),
        ("", "permerror", "without p="),
        ("v=DKIM1; p=!!", "permerror", "base64"),
        ("v=DKIM1; p=\u00e4", "permerror", "base64"),
        (f"v=DKIM1; p={GOOD[:-8]}", "permerror", "cannot be used"),
        (f"v=DKIM1; p={GOOD[4:]}", "permerror", "cannot be used|base64"),
        ("v=DKIM1; p=AAAA", "permerror", "cannot be used"),
        (f"v=DKIM1; p={base64.b64encode(bytes(4097)).decode()}", "permerror", "cannot be used"),
        (f"v=DKIM1; n={'x' * 60_000}; p={GOOD}", "pass", ""),
        (f"v=DKIM1; p={unusual(512, 65537)}", "policy", "512 bits"),
        (f"v=DKIM1; p={unusual(1023, 65537)}", "policy", "1023 bits"),
        (f"v=DKIM1; p={unusual(8193, 65537)}", "policy", "8193 bits"),
        (f"v=DKIM1; p={unusual(16384, 65537)}", "policy", "16384 bits"),
        (f"v=DKIM1; p={unusual(8192, 65537)}", "fail", "does not fit"),
        (f"v=DKIM1; p={unusual(2048, 2**33 + 1)}", "permerror", "cannot be used"),
        (f"v=DKIM1; p={unusual(2048, 2**2000 + 1)}", "permerror", "cannot be used"),
        (f"v=DKIM1; p={unusual(2048, 2**32 + 1)}", "fail", "does not fit"),
    ],
)
def test_key_records(text: str, expected: str, reason: str) -> None:
    found = result(signed(), zone(text.encode()))
    assert found.result == expected
    assert any(part in found.reason for part in reason.split("|")), found.reason


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ([' multipart/report; report-type="tlsrpt"; boundary="x"'], "pass"),
        ([" Multipart/Report;\r\n\tboundary=x;\r\n\tReport-Type = TLSRPT"], "pass"),
        ([" multipart/report; report-type=delivery-status"], "permerror"),
        ([" multipart/mixed; report-type=tlsrpt"], "permerror"),
        ([" multipart/report; report-type=tlsrpt", " text/plain"], "permerror"),
        ([""], "permerror"),
        ([], "permerror"),
    ],
)
def test_a_key_for_tls_reports_signs_those_and_no_other_mail(types: list[str], expected: str) -> None:
    """RFC 8460, section 3: a sender of reports should publish a key of this service alone."""
    fields = (*FIELDS, *((b"Content-Type", each.encode()) for each in types))
    found = result(signed(fields=fields), zone(record(rsa(), "s=tlsrpt; ")))
    assert found.result == expected, found.reason


@pytest.mark.parametrize(
    ("exponent", "expected"), [(1, "permerror"), (2, "permerror"), (4, "permerror"), (0, "permerror")]
)
def test_an_exponent_that_is_no_exponent_is_refused(exponent: int, expected: str) -> None:
    """Exponent 1 would make every signature good: the signature would be its own padded hash."""
    modulus = rsa().public_key().public_numbers().n
    integers = b"".join(_der(2, n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in (modulus, exponent))
    text = b"v=DKIM1; p=" + base64.b64encode(_der(0x30, integers))
    assert result(signed(), zone(text)).result == expected


def _der(tag: int, octets: bytes) -> bytes:
    size = len(octets)
    return bytes([tag]) + (bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")) + octets


def test_a_key_of_1024_bits_is_believed_and_one_of_512_is_not_even_with_a_good_signature() -> None:
    found = result(signed(key=rsa(1024)), zone(record(rsa(1024))))
    assert (found.result, found.bits) == ("pass", 1024)


def test_an_ed25519_key_has_32_octets() -> None:
    octets = signed({"a": "ed25519-sha256"}, key=ed25519())
    wrapped = ed25519().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = b"v=DKIM1; k=ed25519; p=" + base64.b64encode(wrapped)
    assert result(octets, zone(text)).reason == "the key cannot be used"
    assert result(octets, zone(record(rsa()))).reason == "the key is of another kind"


@pytest.mark.parametrize(
    ("flags", "identity", "expected", "testing"),
    [
        ("", "a@sub.example.com", "pass", False),
        ("t=s; ", "a@example.com", "pass", False),
        ("t=s; ", "a@EXAMPLE.COM", "pass", False),
        ("t=s; ", "a@sub.example.com", "permerror", False),
        ("t= y : s ; ", "a@sub.example.com", "permerror", True),
        ("t=y; ", "a@sub.example.com", "pass", True),
        ("t=x-new; ", "a@sub.example.com", "pass", False),
    ],
)
def test_the_flags_of_a_key(flags: str, identity: str, expected: str, testing: bool) -> None:
    found = result(signed({"i": identity}), zone(record(rsa(), flags)))
    assert (found.result, found.testing) == (expected, testing)


def test_one_good_key_among_several_records_is_enough() -> None:
    other = record(rsa(1024))
    for records in ([other, record(rsa())], [b"v=spf1 -all", b"", record(rsa())], [record(rsa()), other]):
        assert result(signed(), zone(*records)).result == "pass"
    # The result that says most is told.
    assert result(signed(), zone(b"v=spf1 -all", record(rsa(), "k=rsa; "), b"p=")).result == "pass"
    assert result(signed(), zone(b"v=spf1 -all", other, b"p=")).reason == "the signature does not fit"


def test_the_records_that_are_tried_are_bounded() -> None:
    assert result(signed(), zone(b"p=", b"p=", b"p=", record(rsa()))).result == "pass"
    assert result(signed(), zone(b"p=", b"p=", b"p=", b"p=", record(rsa()))).result == "permerror"


def test_no_record_is_permerror_and_no_answer_temperror() -> None:
    assert (result(signed(), {}).result, result(signed(), {}).reason) == ("permerror", "no key")
    found = result(signed(), {"sel._domainkey.example.com": None})
    assert (found.result, found.reason) == ("temperror", "no answer for the key")


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (signed() + b"more", "fail"),  # it cannot pass, whatever the key is
        (signed({"l": "0"}), "policy"),
        (signed({"x": "1"}), "policy"),
        (signed({"x": str(NOW + 1)}), "temperror"),
        (signed({"bh": "AAAA"}), "permerror"),
    ],
)
def test_without_an_answer_only_what_the_key_could_change_is_temperror(octets: bytes, expected: str) -> None:
    assert result(octets, {"sel._domainkey.example.com": None}).result == expected


def test_each_key_is_asked_for_once_and_all_at_the_same_time() -> None:
    waiting: list[str] = []
    everybody = asyncio.Event()

    class Slow:
        async def query(self, name: str, kind: int) -> Answer:
            waiting.append(name)
            if len(waiting) == 2:
                everybody.set()
            await everybody.wait()
            return Answer((record(rsa()),))

    async def ask() -> list[str]:
        fields = [sign(FIELDS, BODY, rsa(), TAGS | {"s": s}) for s in ("a", "b", "a")]
        signatures = Signatures(header_fields.split(message(FIELDS, b"", *fields)))
        signatures.update(BODY)
        async with asyncio.timeout(10):
            await signatures.ask(Slow())
            await signatures.ask(Slow())
        return [each.result for each in signatures.results()]

    assert asyncio.run(ask()) == ["pass"] * 3
    assert sorted(waiting) == ["a._domainkey.example.com", "b._domainkey.example.com"]


def test_a_question_that_was_given_up_is_temperror_and_the_answers_that_came_count() -> None:
    answered = asyncio.Event()

    class Half(Zone):
        async def query(self, name: str, kind: int) -> Answer:
            if name.startswith("never."):
                await asyncio.Event().wait()
            asyncio.get_running_loop().call_soon(answered.set)
            return await super().query(name, kind)

    async def ask() -> list[str]:
        fields = [sign(FIELDS, BODY, rsa(), TAGS | {"s": s}) for s in ("sel", "never")]
        signatures = Signatures(header_fields.split(message(FIELDS, b"", *fields)))
        signatures.update(BODY)
        asking = asyncio.create_task(signatures.ask(Half(zone())))
        await answered.wait()
        asking.cancel()
        await asyncio.wait({asking})
        assert not (asyncio.all_tasks() - {asyncio.current_task()})
        return [each.result for each in signatures.results()]

    assert asyncio.run(ask()) == ["pass", "temperror"]


def test_a_signature_without_a_sensible_name_of_its_key_is_not_asked_for() -> None:
    unknown = Zone({})
    octets = message(
        FIELDS, BODY, sign(FIELDS, BODY, rsa(), TAGS | {"a": "rsa-sha1"}), b"DKIM-Signature: x\r\n"
    )
    signatures = Signatures(header_fields.split(octets))
    asyncio.run(signatures.ask(unknown))
    assert unknown.asked == []
    assert [each.result for each in results(octets)] == ["policy", "permerror"]
