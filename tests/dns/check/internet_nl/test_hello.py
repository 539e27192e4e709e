"""Reading what a server answers: hostile octets, numbers that the levels rest on, and warnings. Pure."""

from __future__ import annotations

import subprocess
from collections import Counter

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from dns.check.internet_nl.answer import Answer, Reader, Unreadable
from dns.check.internet_nl.ciphers import NAMES, Level, level_of
from dns.check.internet_nl.groups import named_prime
from dns.check.internet_nl.hello import Hello, Version

SERVER_HELLO = bytes.fromhex("0303") + bytes(32) + bytes.fromhex("00c02f00000a ff01000100 00170000 0000")
NAME_WARNING = bytes.fromhex("15030300020170")  # unrecognized_name
REFUSAL = bytes.fromhex("15030300020228")  # handshake_failure


def record(*messages: tuple[int, bytes]) -> bytes:
    data = b"".join(bytes([kind]) + len(body).to_bytes(3, "big") + body for kind, body in messages)
    return b"\x16\x03\x03" + len(data).to_bytes(2, "big") + data


FLIGHT = record((2, SERVER_HELLO), (14, b""))


@given(st.binary(max_size=300), st.sampled_from(Version), st.integers(0, 300))
def test_any_octets_are_an_answer_or_none_yet_or_unreadable(octets: bytes, hello: Version, cut: int) -> None:
    for sent in (octets, FLIGHT[:cut] + octets, b"\x16\x03\x01\x01\x00" + octets):
        reader = Reader(hello)
        try:
            reader.take(sent)
        except Unreadable:
            continue
        assert reader.answer is None or isinstance(reader.answer, Answer)


def test_an_answer_that_comes_octet_by_octet_is_read_at_its_end_and_not_before() -> None:
    reader = Reader(Version.TLS_1_2)
    for octet in FLIGHT[:-1]:
        reader.take(bytes([octet]))
        assert reader.answer is None
    reader.take(FLIGHT[-1:])
    assert reader.answer is not None
    assert (reader.answer.version, reader.answer.cipher) == (Version.TLS_1_2, 0xC02F)
    assert reader.answer.extensions == {0xFF01, 23}


def test_a_warning_is_no_refusal() -> None:
    reader = Reader(Version.TLS_1_2)
    reader.take(NAME_WARNING)
    assert reader.answer is None
    reader.take(FLIGHT)
    assert reader.answer is not None and reader.answer.version is Version.TLS_1_2
    refused = Reader(Version.TLS_1_2)
    refused.take(NAME_WARNING + REFUSAL)
    assert refused.answer == Answer()


def test_something_else_than_tls_is_no_answer() -> None:
    with pytest.raises(Unreadable):
        Reader(Version.TLS_1_2).take(b"454 TLS not available\r\n")


def test_the_levels_of_all_suites_are_those_of_the_guidelines() -> None:
    count = Counter(level_of(number) for number in NAMES)
    # Appendix B has 12 sufficient ones. Two of them, ECDHE-RSA with CCM, have no number at IANA.
    assert (count[Level.GOOD], count[Level.SUFFICIENT], count[Level.PHASE_OUT]) == (2, 10, 35)


@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
@pytest.mark.parametrize("bits", [3072, 4096, 6144, 8192])
def test_the_primes_are_those_that_openssl_has(bits: int) -> None:
    command = ["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", f"group:ffdhe{bits}"]
    made = subprocess.run(command, check=True, capture_output=True).stdout
    assert serialization.load_pem_parameters(made).parameter_numbers().p == named_prime(bits)


def test_a_hello_names_the_host_and_offers_what_it_was_made_with() -> None:
    octets = Hello(Version.TLS_1_3, [0x1301], server_name="mx.e.org").octets()
    assert b"mx.e.org" in octets and bytes.fromhex("00021301") in octets
    assert b"mx.e.org" not in Hello(Version.SSL_3_0, [5], server_name="mx.e.org").octets()
