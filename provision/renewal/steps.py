"""The steps about a certificate of an authority, and who renews it: the host if it has a token, else we."""

from __future__ import annotations

import os
import re
from weakref import WeakKeyDictionary

from pyinfra import context
from pyinfra.api.exceptions import DeployError
from pyinfra.api.state import State

from dns.cloudflare.zones import Zones
from dns.errors import SyncError
from dns.inventory.host_certificate import WantedCertificate
from provision.desired import archive
from provision.desired.archive import Platform
from provision.desired.heartbeat import telling_failures
from provision.desired.renewal import ProofZone, WantedRenewal, unit_texts
from provision.host.observed import Observed
from provision.host.renewal import Renewal
from provision.renewal import here, unit
from provision.renewal.here import Job
from provision.run.inventory import mail_host
from provision.run.step import Command, Decision, observe, step, untouched

TOKEN = "LETTERBOX_CERTIFICATE_TOKEN"  # noqa: S105 - the name of a variable
_RIGHT = "Zone > DNS > Edit on that one zone, and with the addresses of this host as its filter"
_FORM = re.compile(r"[A-Za-z0-9_-]{10,}")

_zones: WeakKeyDictionary[State, dict[str, ProofZone]] = WeakKeyDictionary()


def prepare() -> None:
    """Look at the token, the zone and the authority before anything is touched. Raises DeployError."""
    certificate, seen = mail_host().certificate, observe()
    if certificate is None:
        return
    if problem := token_problem(_given(), os.environ.get("CLOUDFLARE_API_TOKEN", "")):
        raise DeployError(untouched([problem]))
    zone = _zone(certificate)
    if not host_renews(_given(), seen.renewal):
        here.refuse_what_is_wrong(Job(mail_host().hostname, certificate, zone), seen)


def prepare_here() -> None:
    """The same for renew.py, which changes nothing but the certificate. Raises DeployError."""
    certificate, seen = mail_host().certificate, observe()
    if certificate is None or host_renews("", seen.renewal):
        return
    job = Job(mail_host().hostname, certificate, _zone(certificate), must=True)
    if here.usable_key(job, seen) is None:
        raise DeployError(untouched(["it has no key with a request for its name: deploy first"]))
    here.refuse_what_is_wrong(job, seen)


def token_problem(given: str, of_the_deploy: str) -> str:
    """Why the token that is handed over for the host will not do, with the fix. Empty if it will do."""
    if not given:
        return ""
    if given == of_the_deploy.strip():
        return f"{TOKEN} is the deploy's own token, which must not lie on a host: make another with {_RIGHT}"
    if not _FORM.fullmatch(given):
        return f"{TOKEN} does not have the form of a token: copy it again"
    return ""


def host_renews(given: str, there: Renewal | None) -> bool:
    """Whether the host renews its certificate itself: it gets a token now, or keeps one. Pure."""
    return bool(given or (there and there.token))


def _given() -> str:
    return os.environ.get(TOKEN, "").strip()


def _zone(certificate: WantedCertificate) -> ProofZone:
    """The zone of this host's challenges, looked up once a run. Raises DeployError."""
    name = certificate.proof or mail_host().hostname
    known = _zones.setdefault(context.ctx_state.get(), {})
    if name not in known:
        try:
            found = Zones().holding(name)
        except SyncError as error:
            key = "certificate_proof" if certificate.proof else "the certificate"
            raise DeployError(untouched([f"the zone for {key}: {error}"])) from None
        known[name] = ProofZone(found.name, found.id, os.environ.get("CLOUDFLARE_BASE_URL", ""))
    return known[name]


def _of_the_unit(seen: Observed, certificate: WantedCertificate) -> WantedRenewal:
    """What a host that renews its certificate should have. Raises DeployError."""
    service, timer = unit_texts(certificate, _zone(certificate))
    if mail_host().heartbeat:
        service = telling_failures(service)
    program = archive.digest(Platform(seen.python, seen.machine), archive.RENEWAL)
    return WantedRenewal(service, timer, program, _given() or None)


@step
def renewed() -> Decision:
    """The unit that renews the certificate is there if the host has a token. If not, we renew it."""
    certificate, seen = mail_host().certificate, observe()
    otherwise = "what renews the certificate is as it should be"
    if certificate is None:
        return Decision(unit.commands(seen, None), otherwise)
    if host_renews(_given(), seen.renewal):
        return Decision(unit.commands(seen, _of_the_unit(seen, certificate)), otherwise)
    job = Job(mail_host().hostname, certificate, _zone(certificate))
    needed: list[Command] = [*unit.commands(seen, None), *here.commands(job, seen)]
    return Decision(needed, "the certificate is not due, and the host has it")


def _renewed_here() -> Decision:
    """The certificate is renewed if it is due and the host does not do that itself."""
    certificate, seen = mail_host().certificate, observe()
    if certificate is None:
        return Decision((), "the inventory wants no certificate of an authority for it")
    if host_renews("", seen.renewal):
        return Decision((), "the host renews its certificate itself")
    job = Job(mail_host().hostname, certificate, _zone(certificate), must=True)
    return Decision(here.commands(job, seen), "the certificate is not due, and the host has it")


renewed_here = step(_renewed_here)


@step
def removed() -> Decision:
    """Nothing on the host renews a certificate."""
    return Decision(unit.commands(observe(), None), "nothing renews a certificate")
