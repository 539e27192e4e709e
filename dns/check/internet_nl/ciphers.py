"""The cipher suites that a server may accept, and the level that internet.nl gives each. Pure.

Names and numbers are IANA's (TLS Cipher Suites), without those for pre-shared keys, passwords and Kerberos,
which the test does not see either. The levels are those of the TLS guidelines of NCSC-NL of 2025, appendix B.
"""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """A level of security, in the words of the test. The order is from the best to the worst."""

    GOOD = "good"
    SUFFICIENT = "sufficient"
    PHASE_OUT = "phase out"
    INSUFFICIENT = "insufficient"


class KeyExchange(StrEnum):
    """How the keys are agreed upon, as far as a reader of the server's answer needs it."""

    ECDHE = "ECDHE"
    DHE = "DHE"
    OTHER = ""


# A family, and below it the number and the rest of the name of each suite.
_TABLE = """
TLS_1_3
  1301:AES_128_GCM_SHA256 1302:AES_256_GCM_SHA384 1303:CHACHA20_POLY1305_SHA256
  1304:AES_128_CCM_SHA256 1305:AES_128_CCM_8_SHA256
DHE_DSS
  0012:DES_CBC_SHA 0013:3DES_EDE_CBC_SHA 0032:AES_128_CBC_SHA 0038:AES_256_CBC_SHA
  0040:AES_128_CBC_SHA256 0044:CAMELLIA_128_CBC_SHA 006A:AES_256_CBC_SHA256
  0087:CAMELLIA_256_CBC_SHA 0099:SEED_CBC_SHA 00A2:AES_128_GCM_SHA256 00A3:AES_256_GCM_SHA384
  00BD:CAMELLIA_128_CBC_SHA256 00C3:CAMELLIA_256_CBC_SHA256 C056:ARIA_128_GCM_SHA256
  C057:ARIA_256_GCM_SHA384
DHE_DSS_EXPORT
  0011:DES40_CBC_SHA
DHE_RSA
  0015:DES_CBC_SHA 0016:3DES_EDE_CBC_SHA 0033:AES_128_CBC_SHA 0039:AES_256_CBC_SHA
  0045:CAMELLIA_128_CBC_SHA 0067:AES_128_CBC_SHA256 006B:AES_256_CBC_SHA256
  0088:CAMELLIA_256_CBC_SHA 009A:SEED_CBC_SHA 009E:AES_128_GCM_SHA256 009F:AES_256_GCM_SHA384
  00BE:CAMELLIA_128_CBC_SHA256 00C4:CAMELLIA_256_CBC_SHA256 C044:ARIA_128_CBC_SHA256
  C045:ARIA_256_CBC_SHA384 C052:ARIA_128_GCM_SHA256 C053:ARIA_256_GCM_SHA384
  C07C:CAMELLIA_128_GCM_SHA256 C07D:CAMELLIA_256_GCM_SHA384 C09E:AES_128_CCM C09F:AES_256_CCM
  C0A2:AES_128_CCM_8 C0A3:AES_256_CCM_8 CCAA:CHACHA20_POLY1305_SHA256
DHE_RSA_EXPORT
  0014:DES40_CBC_SHA
DH_anon
  0018:RC4_128_MD5 001A:DES_CBC_SHA 001B:3DES_EDE_CBC_SHA 0034:AES_128_CBC_SHA 003A:AES_256_CBC_SHA
  0046:CAMELLIA_128_CBC_SHA 006C:AES_128_CBC_SHA256 006D:AES_256_CBC_SHA256
  0089:CAMELLIA_256_CBC_SHA 009B:SEED_CBC_SHA 00A6:AES_128_GCM_SHA256 00A7:AES_256_GCM_SHA384
  00BF:CAMELLIA_128_CBC_SHA256 00C5:CAMELLIA_256_CBC_SHA256
DH_anon_EXPORT
  0017:RC4_40_MD5 0019:DES40_CBC_SHA
ECDHE_ECDSA
  C006:NULL_SHA C007:RC4_128_SHA C008:3DES_EDE_CBC_SHA C009:AES_128_CBC_SHA C00A:AES_256_CBC_SHA
  C023:AES_128_CBC_SHA256 C024:AES_256_CBC_SHA384 C02B:AES_128_GCM_SHA256 C02C:AES_256_GCM_SHA384
  C048:ARIA_128_CBC_SHA256 C049:ARIA_256_CBC_SHA384 C05C:ARIA_128_GCM_SHA256
  C05D:ARIA_256_GCM_SHA384 C072:CAMELLIA_128_CBC_SHA256 C073:CAMELLIA_256_CBC_SHA384
  C086:CAMELLIA_128_GCM_SHA256 C087:CAMELLIA_256_GCM_SHA384 C0AC:AES_128_CCM C0AD:AES_256_CCM
  C0AE:AES_128_CCM_8 C0AF:AES_256_CCM_8 CCA9:CHACHA20_POLY1305_SHA256
ECDHE_RSA
  C010:NULL_SHA C011:RC4_128_SHA C012:3DES_EDE_CBC_SHA C013:AES_128_CBC_SHA C014:AES_256_CBC_SHA
  C027:AES_128_CBC_SHA256 C028:AES_256_CBC_SHA384 C02F:AES_128_GCM_SHA256 C030:AES_256_GCM_SHA384
  C04C:ARIA_128_CBC_SHA256 C04D:ARIA_256_CBC_SHA384 C060:ARIA_128_GCM_SHA256
  C061:ARIA_256_GCM_SHA384 C076:CAMELLIA_128_CBC_SHA256 C077:CAMELLIA_256_CBC_SHA384
  C08A:CAMELLIA_128_GCM_SHA256 C08B:CAMELLIA_256_GCM_SHA384 CCA8:CHACHA20_POLY1305_SHA256
ECDH_ECDSA
  C002:RC4_128_SHA C003:3DES_EDE_CBC_SHA C004:AES_128_CBC_SHA C005:AES_256_CBC_SHA
ECDH_RSA
  C00C:RC4_128_SHA C00D:3DES_EDE_CBC_SHA C00E:AES_128_CBC_SHA C00F:AES_256_CBC_SHA
ECDH_anon
  C015:NULL_SHA C016:RC4_128_SHA C017:3DES_EDE_CBC_SHA C018:AES_128_CBC_SHA C019:AES_256_CBC_SHA
RSA
  0001:NULL_MD5 0002:NULL_SHA 0004:RC4_128_MD5 0005:RC4_128_SHA 0007:IDEA_CBC_SHA 0009:DES_CBC_SHA
  000A:3DES_EDE_CBC_SHA 002F:AES_128_CBC_SHA 0035:AES_256_CBC_SHA 003B:NULL_SHA256
  003C:AES_128_CBC_SHA256 003D:AES_256_CBC_SHA256 0041:CAMELLIA_128_CBC_SHA
  0084:CAMELLIA_256_CBC_SHA 0096:SEED_CBC_SHA 009C:AES_128_GCM_SHA256 009D:AES_256_GCM_SHA384
  00BA:CAMELLIA_128_CBC_SHA256 00C0:CAMELLIA_256_CBC_SHA256 C050:ARIA_128_GCM_SHA256
  C051:ARIA_256_GCM_SHA384 C07A:CAMELLIA_128_GCM_SHA256 C07B:CAMELLIA_256_GCM_SHA384
  C09C:AES_128_CCM C09D:AES_256_CCM C0A0:AES_128_CCM_8 C0A1:AES_256_CCM_8
RSA_EXPORT
  0003:RC4_40_MD5 0006:RC2_CBC_40_MD5 0008:DES40_CBC_SHA
"""


def _read_table() -> dict[int, str]:
    names: dict[int, str] = {}
    family = ""
    for line in _TABLE.strip().splitlines():
        if not line.startswith(" "):
            family = "" if line == "TLS_1_3" else f"{line}_WITH_"
            continue
        for item in line.split():
            number, _, name = item.partition(":")
            names[int(number, 16)] = f"TLS_{family}{name}"
    return names


NAMES = _read_table()
"""The name of each suite, by its number."""
OF_TLS_1_3 = tuple(number for number in NAMES if number >> 8 == 0x13)
BEFORE_TLS_1_3 = tuple(number for number in NAMES if number >> 8 != 0x13)


def name_of(number: int) -> str:
    """IANA's name of the suite, or its number if it is none of the table."""
    return NAMES.get(number, f"0x{number:04X}")


def key_exchange_of(number: int) -> KeyExchange:
    """How keys are agreed upon with this suite. With TLS 1.3 the suite does not say."""
    name = name_of(number)
    if name.startswith(("TLS_ECDHE_", "TLS_ECDH_anon_")):
        return KeyExchange.ECDHE
    return KeyExchange.DHE if name.startswith(("TLS_DHE_", "TLS_DH_anon_")) else KeyExchange.OTHER


def is_signed(number: int) -> bool:
    """Whether the server signs its part of the key exchange, so that a hash function is chosen."""
    return name_of(number).startswith(("TLS_ECDHE_", "TLS_DHE_"))


def level_of(number: int) -> Level:
    """The level of the suite."""
    name = name_of(number)
    if name in ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        return Level.GOOD
    if name in ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_CCM_SHA256"):
        return Level.SUFFICIENT
    family, _, rest = name.partition("_WITH_")
    strong_hash = rest.endswith(("_SHA256", "_SHA384", "_CCM"))
    if not strong_hash or family not in ("TLS_ECDHE_ECDSA", "TLS_ECDHE_RSA", "TLS_DHE_RSA"):
        return Level.INSUFFICIENT
    authenticated = rest.startswith(("AES", "CHACHA20")) and "_CBC_" not in rest
    return Level.SUFFICIENT if authenticated and family != "TLS_DHE_RSA" else Level.PHASE_OUT
