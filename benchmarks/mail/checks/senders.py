"""Senders for the checks: each has a domain, an address in NETWORK, and all records that the checks ask for.

Their zone is the root, so that the name server answers every question with authority.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.mail.checks.network import NETWORK
from benchmarks.mail.errors import Broken
from tests.dns.loopback import real_nameservers

SELECTOR = "s2026"
SERVER = "198.18.0.53"
"""The address of the name server. A resolv.conf(5) has no port, so it listens on port 53."""
_FIRST = ipaddress.ip_address("198.18.1.1")
_BITS = 2048


@dataclass(frozen=True, slots=True)
class Sender:
    """A domain that sends mail from an address of its own, with an RSA key. Domains may share a key."""

    domain: str
    address: str
    key: rsa.RSAPrivateKey

    @property
    def mailbox(self) -> str:
        """Its address in MAIL FROM and in the From field."""
        return f"newsletter@{self.domain}"


def senders(number: int, keys: int = 0) -> list[Sender]:
    """So many senders with consecutive addresses. They share `keys` keys, or each has its own."""
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda _: rsa.generate_private_key(65537, _BITS), range(keys or number)))
    return [
        Sender(f"sender{each}.example", str(_FIRST + each), made[each % len(made)]) for each in range(number)
    ]


def zone(all_senders: Sequence[Sender]) -> str:
    """The text of the root zone with these senders. All their addresses may send for all of them."""
    lines = ["@ 3600 IN SOA ns. hostmaster. 1 3600 600 86400 60", "@ 3600 IN NS ns.", f"ns. A {SERVER}"]
    records = {id(each.key): record(each.key) for each in all_senders}
    for each in all_senders:
        host, reverse = f"mail.{each.domain}", ipaddress.ip_address(each.address).reverse_pointer
        lines += [
            f'{each.domain}. 3600 TXT "v=spf1 include:_spf.{each.domain} -all"',
            f'_spf.{each.domain}. 3600 TXT "v=spf1 ip4:192.0.2.0/24 ip4:{NETWORK} -all"',
            f'_dmarc.{each.domain}. 3600 TXT "v=DMARC1; p=reject; rua=mailto:dmarc@{each.domain}"',
            f"{SELECTOR}._domainkey.{each.domain}. 3600 TXT {records[id(each.key)]}",
            f"{host}. 3600 A {each.address}",
            f"{reverse}. 3600 PTR {host}.",
        ]
    return "\n".join(lines) + "\n"


def record(key: rsa.RSAPrivateKey) -> str:
    """The data of the TXT record that publishes a key (RFC 6376 section 3.6.1), in strings of 255 octets."""
    packed = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = f"v=DKIM1; k=rsa; p={base64.b64encode(packed).decode()}"
    return " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))


@contextlib.contextmanager
def name_server(all_senders: Sequence[Sender]) -> Iterator[str]:
    """Run NSD with the zone of these senders. Yields its address. Raises Broken."""
    if not real_nameservers.is_installed("nsd"):
        raise Broken("the checks need a name server: apt-get install nsd, or dnf install nsd")
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        serving = real_nameservers.running("nsd", Path(name), {".": zone(all_senders)}, [SERVER], 53)
        try:
            stack.enter_context(serving)
        except RuntimeError as error:
            raise Broken(str(error).strip().splitlines()[-1]) from None
        yield SERVER
