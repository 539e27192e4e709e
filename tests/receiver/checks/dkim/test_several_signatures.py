"""Several signatures of one message, each with its own result."""

from __future__ import annotations

from tests.receiver.checks.dkim.messages import BODY, FIELDS, TAGS, message, results, rsa
from tests.receiver.checks.dkim.naive import canonical_body, sign


def test_an_old_signature_can_be_signed_and_the_own_one_never_is() -> None:
    first = sign(FIELDS, BODY, rsa(), TAGS)
    fields = ((b"DKIM-Signature", first.partition(b":")[2][:-2]), *FIELDS)
    second = sign(fields, BODY, rsa(), TAGS, (b"dkim-signature", b"dkim-signature", b"from"))
    assert [each.result for each in results(message(fields, BODY, second))] == ["pass", "pass"]


def test_the_eight_signatures_from_the_top_are_looked_at() -> None:
    bad = [sign(FIELDS, BODY, rsa(), TAGS, broken=True) for _ in range(8)]
    good = sign(FIELDS, BODY, rsa(), TAGS)
    nine = results(message(FIELDS, BODY, *bad, good))
    assert [each.result for each in nine] == ["fail"] * 8
    eight = results(message(FIELDS, BODY, *bad[:7], good, bad[7]))
    assert [each.result for each in eight] == ["fail"] * 7 + ["pass"]


def test_signatures_with_other_lengths_and_canonicalizations_are_told_apart() -> None:
    forms = [{"c": c, "l": str(length)} for c in ("simple/simple", "simple/relaxed") for length in (0, 3, 9)]
    found = results(
        message(FIELDS, BODY, *(sign(FIELDS, BODY, rsa(), TAGS | form) for form in forms)), piece=2
    )
    assert {each.result for each in found} == {"policy"}
    unsigned = [
        len(canonical_body(BODY, relaxed)) - length for relaxed in (False, True) for length in (0, 3, 9)
    ]
    assert [each.reason for each in found] == [
        f"l= leaves {each} octets of the body unsigned" for each in unsigned
    ]
