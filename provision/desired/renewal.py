"""The units that renew a host's certificate, as the inventory wants them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dns.inventory.host_certificate import WantedCertificate
from provision.host import layout

_FILES = Path(__file__).resolve().parents[2] / "files"
_ARGUMENTS = "@ARGUMENTS@"


@dataclass(frozen=True, slots=True)
class ProofZone:
    """The zone in which challenges are published, and the API that does it if it is not Cloudflare's own."""

    name: str
    id: str
    api: str = ""


@dataclass(frozen=True, slots=True)
class WantedRenewal:
    """What a host with an authority's certificate should have. `token` is None if the host keeps its own."""

    service: str
    timer: str
    """The texts of the two units."""
    program: str
    """The digest of the release."""
    token: str | None = None


def unit_texts(certificate: WantedCertificate, zone: ProofZone) -> tuple[str, str]:
    """The texts of the service and of its timer."""
    pairs = {
        "--ca": certificate.authority,
        "--profile": certificate.profile,
        "--zone": zone.name,
        "--zone-id": zone.id,
        "--api": zone.api,
    }
    # systemd takes a percent sign for one of its specifiers (systemd.unit(5)).
    given = " ".join(f"{key} {value}" for key, value in pairs.items() if value).replace("%", "%%")
    service = (_FILES / layout.CERTIFICATE_SERVICE).read_text().replace(_ARGUMENTS, given)
    return service, (_FILES / layout.CERTIFICATE_TIMER).read_text()
