"""A served domain, read from the inventory's `domains`. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from dns.inventory.mailboxes import aliases, limits, names
from dns.inventory.places import Problem
from dns.mta_sts.policy import LABEL, MODES
from dns.names import a_label, below, did_you_mean

STORE = "store"
_BESIDE = 'is no domain, and no key of one: it is for all hosts, so put it beside "domains"'
KEYS = (
    "mailboxes",
    "aliases",
    "catch_all",
    "sends_mail",
    "subaddress_separators",
    "ttl",
    "tls_reports",
    "caa",
    "dane",
    "reject_forged",
    "mta_sts",
    *limits.KEYS,
)
AUTOMATIC_TTL = 1
# The labels before the domain at which DMARC (RFC 7489) and TLS reports (RFC 8460) are published.
DMARC, TLS_REPORTS = "_dmarc", "_smtp._tls"
REPORT_MAILBOX = "tls-reports"
"""The mailbox of a domain with `"tls_reports": True`, which `letterbox tls-reports` reads."""


@dataclass(frozen=True, slots=True)
class Domain:
    """One served domain.

    `name` is in A-label form, and local parts are in lower case. The targets of an alias are local names
    of this domain, or full addresses at another served domain. `sends_mail` is None if SPF and DMARC are
    left alone. `ttl` is in seconds, and 1 is Cloudflare's automatic one. `tls_reports` are the URIs to
    which senders report failed TLS (RFC 8460). If the inventory says True, that is the address of
    REPORT_MAILBOX, which is then among `mailboxes`. `caa` are the authorities that may issue certificates for
    the domain (RFC 8659). If one of these two is empty, nothing is published for it. If the inventory says
    True for it, `caa_at_hosts` is set: the account of each mail host is published at its name. `dane` says
    whether the zone is signed and the keys of its hosts are published (RFC 7672). `reject_forged` says
    whether mail is refused that fails DMARC (RFC 9989), if the domain that it claims to be from asks for
    that. `mta_sts` is the mode of the MTA-STS policy (RFC 8461): testing, enforce, none. If it is empty, the
    policy is left alone. `keep` and `quota` are by local part: after how many days a message goes, and how
    many octets of mail the mailbox may hold. A mailbox without such a limit is not in them.
    """

    name: str
    mailboxes: tuple[str, ...]
    aliases: Mapping[str, tuple[str, ...]]
    catch_all: str | None
    sends_mail: bool | None
    subaddress_separators: str
    ttl: int
    tls_reports: tuple[str, ...] = ()
    caa: tuple[str, ...] = ()
    caa_at_hosts: bool = False
    dane: bool = False
    reject_forged: bool = False
    mta_sts: str = ""
    keep: Mapping[str, int] = field(default_factory=dict)
    quota: Mapping[str, int] = field(default_factory=dict)

    @property
    def keeps_tls_reports(self) -> bool:
        """Whether TLS reports come to the mailbox that `letterbox tls-reports` reads."""
        return REPORT_MAILBOX in self.mailboxes and _report_uri(self.name) in self.tls_reports


def from_data(name: object, data: object) -> tuple[Domain | None, list[Problem]]:
    """Return the domain and every problem in it. There is no domain if its name or shape is wrong.

    What takes all domains to see, such as the target of an alias, `aliases.problems` checks.
    """
    here = ("domains", str(name))
    if not isinstance(name, str):
        return None, [Problem(f"domains: {name!r} is not a domain name: write it as a string", here)]
    if name == STORE:
        return None, [Problem(f"domains: {STORE} {_BESIDE}", here)]
    try:
        ascii_name = a_label(name)
    except ValueError as error:
        return None, [Problem(f"domain {name}: {error}: write it as in example.com", here)]
    if not isinstance(data, Mapping):
        text = f'domain {name}: must be a dict such as {{"mailboxes": ["alice"]}}, not {data!r}'
        return None, [Problem(text, here)]
    problems: dict[str, list[str]] = defaultdict(list)  # by the key that each is about
    for key in data:
        if key == STORE:
            problems[STORE].append(f"{STORE} {_BESIDE}")
        elif key not in KEYS:
            problems[str(key)].append(
                f"unknown key {key}{did_you_mean(str(key), KEYS)}: the known keys are {', '.join(KEYS)}"
            )
    mailboxes, options = names.from_data(data.get("mailboxes", ()), problems["mailboxes"])
    own_aliases = aliases.from_data(data.get("aliases"), mailboxes, problems["aliases"])
    if not mailboxes and "postmaster" not in own_aliases:
        problems["mailboxes"].append(
            'has no mailbox: give "mailboxes": ["alice"], or an alias for postmaster'
        )
    tls_reports = _tls_reports(data.get("tls_reports"), ascii_name, problems["tls_reports"])
    if data.get("tls_reports") is True and REPORT_MAILBOX not in mailboxes:
        if REPORT_MAILBOX in own_aliases:
            problems["tls_reports"].append(
                f"tls_reports is True, which makes {REPORT_MAILBOX} a mailbox, but it is an alias: take the "
                f'alias out, or write "tls_reports": "{REPORT_MAILBOX}@{ascii_name}"'
            )
        mailboxes = (*mailboxes, REPORT_MAILBOX)
    domain = Domain(
        name=ascii_name,
        mailboxes=mailboxes,
        aliases=own_aliases,
        catch_all=_catch_all(data.get("catch_all"), mailboxes, problems["catch_all"]),
        sends_mail=_sends_mail(data.get("sends_mail"), problems["sends_mail"]),
        subaddress_separators=_separators(
            data.get("subaddress_separators", "+"), problems["subaddress_separators"]
        ),
        ttl=_ttl(data.get("ttl", AUTOMATIC_TTL), problems["ttl"]),
        tls_reports=tls_reports,
        caa=_authorities(data.get("caa"), problems["caa"]),
        caa_at_hosts=data.get("caa") is True,
        dane=_flag("dane", data, problems["dane"]),
        reject_forged=_flag("reject_forged", data, problems["reject_forged"]),
        mta_sts=_mode(data.get("mta_sts"), problems["mta_sts"]),
        keep=limits.keep(data.get("keep"), mailboxes, options, problems["keep"]),
        quota=limits.quota(data.get("quota"), mailboxes, options, problems["quota"]),
    )
    for asked, key, prefix in (
        (domain.sends_mail is False, "sends_mail", DMARC),
        (bool(domain.tls_reports), "tls_reports", TLS_REPORTS),
        (bool(domain.mta_sts), "mta_sts", LABEL),
    ):
        try:
            below(ascii_name, prefix) if asked else None
        except ValueError as error:
            problems[key].append(f"{error}: leave out the key that publishes it, or use a shorter name")
    return domain, [
        Problem(f"domain {name}: {text}", (*here, key)) for key, texts in problems.items() for text in texts
    ]


def _catch_all(value: object, mailboxes: tuple[str, ...], problems: list[str]) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and value.lower() in mailboxes:
        return value.lower()
    problems.append(f"catch_all {value!r} is not one of its mailboxes: name one of them, or None")
    return None


def _sends_mail(value: object, problems: list[str]) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    problems.append(f"sends_mail must be True or False, or left out, not {value!r}")
    return None


def _flag(key: str, data: Mapping[object, object], problems: list[str]) -> bool:
    value = data.get(key, False)
    if isinstance(value, bool):
        return value
    problems.append(f"{key} must be True or False, or left out, not {value!r}")
    return False


def _mode(value: object, problems: list[str]) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and value in MODES:
        return value
    modes = " or ".join(f'"{mode}"' for mode in MODES)
    problems.append(f"mta_sts must be {modes}, or left out, not {value!r}")
    return ""


def _separators(value: object, problems: list[str]) -> str:
    if isinstance(value, str) and all(c in "+-_=.#~!$%&'*?^`{|}" for c in value):
        return value
    problems.append(f'subaddress_separators must be a string such as "+" or "+-", not {value!r}')
    return "+"


def _ttl(value: object, problems: list[str]) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, int) and whole and (value == AUTOMATIC_TTL or 60 <= value <= 86400):
        return value
    problems.append(f"ttl must be 1 (automatic) or 60 to 86400 seconds, not {value!r}")
    return AUTOMATIC_TTL


def _report_uri(name: str) -> str:
    return f"mailto:{REPORT_MAILBOX}@{name}"


def _tls_reports(value: object, name: str, problems: list[str]) -> tuple[str, ...]:
    if value is True:
        return (_report_uri(name),)
    given = [value] if isinstance(value, str) else value or ()
    if not isinstance(given, list | tuple):
        problems.append(f'tls_reports must be True, or an address such as "tls@example.com", not {value!r}')
        return ()
    uris: list[str] = []
    for item in given:
        text = item if isinstance(item, str) else ""
        uri = f"mailto:{text}" if "@" in text and ":" not in text else text
        # A comma, a semicolon or a space would end the URI in the record (RFC 8460, section 3).
        if re.fullmatch(r"(mailto:[^@,; ]+@[^@,; ]+\.[^@,; ]+|https://[^,; ]+)", uri) and uri.isascii():
            uris.append(uri)
        else:
            problems.append(f"tls_reports {item!r} is neither an e-mail address nor an https:// address")
    return tuple(uris)


def _authorities(value: object, problems: list[str]) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else () if value is True else value or ()
    if not isinstance(given, list | tuple):
        problems.append(f'caa must be True, or a list such as ["letsencrypt.org"], not {value!r}')
        return ()
    authorities: list[str] = []
    for item in given:
        try:
            authorities.append(a_label(item if isinstance(item, str) else ""))
        except ValueError as error:
            problems.append(f"caa {item!r} {error}: name the authority as in letsencrypt.org")
    return tuple(authorities)
