"""Well-known mail providers, known by the names that their MX and aliases lead to. Pure.

`--replace-provider` takes these names. A target belongs to a provider if it is one of its domains, or below
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dns.names import did_you_mean, is_within


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider: what people call it, and the domains of its servers."""

    title: str
    domains: tuple[str, ...]


KNOWN: Mapping[str, Provider] = {
    "amazon": Provider("Amazon SES or WorkMail", ("amazonaws.com", "awsapps.com")),
    "barracuda": Provider("Barracuda", ("barracudanetworks.com",)),
    "dreamhost": Provider("DreamHost", ("dreamhost.com",)),
    "fastmail": Provider("Fastmail", ("messagingengine.com",)),
    "forwardemail": Provider("Forward Email", ("forwardemail.net",)),
    "gandi": Provider("Gandi", ("gandi.net",)),
    "godaddy": Provider("GoDaddy", ("secureserver.net",)),
    "google": Provider("Google Workspace", ("google.com", "googlemail.com", "googlehosted.com", "psmtp.com")),
    "hostinger": Provider("Hostinger", ("hostinger.com",)),
    "icloud": Provider("iCloud", ("icloud.com",)),
    "improvmx": Provider("ImprovMX", ("improvmx.com",)),
    "infomaniak": Provider("Infomaniak", ("infomaniak.ch", "infomaniak.com")),
    "ionos": Provider("IONOS", ("ionos.com", "ionos.de", "ionos.co.uk", "kundenserver.de", "1and1.com")),
    "mailbox.org": Provider("mailbox.org", ("mailbox.org",)),
    "mailgun": Provider("Mailgun", ("mailgun.org",)),
    "microsoft": Provider("Microsoft 365", ("outlook.com", "mx.microsoft", "outlook.cn", "office365.us")),
    "migadu": Provider("Migadu", ("migadu.com",)),
    "mimecast": Provider("Mimecast", ("mimecast.com", "mimecast.co.za", "mimecast-offshore.com")),
    "mxroute": Provider("MXroute", ("mxrouting.net", "mxlogin.com")),
    "namecheap": Provider("Namecheap", ("privateemail.com", "registrar-servers.com")),
    "ovh": Provider("OVH", ("ovh.net", "ovh.ca")),
    "proofpoint": Provider("Proofpoint", ("pphosted.com", "ppe-hosted.com")),
    "proton": Provider("Proton Mail", ("protonmail.ch",)),
    "purelymail": Provider("Purelymail", ("purelymail.com",)),
    "rackspace": Provider("Rackspace", ("emailsrvr.com",)),
    "sendgrid": Provider("SendGrid", ("sendgrid.net",)),
    "simplelogin": Provider("SimpleLogin", ("simplelogin.co",)),
    "strato": Provider("STRATO", ("rzone.de",)),
    "titan": Provider("Titan", ("titan.email",)),
    "tuta": Provider("Tuta", ("tutanota.de",)),
    "yahoo": Provider("Yahoo", ("yahoodns.net", "yahoo.com")),
    "yandex": Provider("Yandex 360", ("yandex.net", "yandex.ru")),
    "zoho": Provider(
        "Zoho Mail", ("zoho.com", "zoho.eu", "zoho.in", "zoho.com.au", "zoho.jp", "zohocloud.ca")
    ),
}


def provider_of(target: str) -> str | None:
    """The name of the provider that this target of an MX or CNAME belongs to, or None."""
    for name, provider in KNOWN.items():
        if any(is_within(target, domain) for domain in provider.domains):
            return name
    return None


def parse_provider(text: str) -> str:
    """Find a provider by its name or title, in any case. Raises ValueError with the names of all."""
    wanted = " ".join(text.split()).casefold()
    for name, provider in KNOWN.items():
        if wanted in (name, provider.title.casefold()):
            return name
    raise ValueError(
        f"{text!r} is not a known provider{did_you_mean(wanted, KNOWN)}: name its records with "
        f"--replace-mx, or name one of {', '.join(KNOWN)}"
    )
