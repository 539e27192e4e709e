"""Products of Cloudflare that make records of their own. The API keeps these records read-only. Pure.

The `meta` of such a record says which product made it. If it does not, the content may tell:
https://developers.cloudflare.com/dns/manage-dns-records/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """A product: what its record does to mail, and where the user can remove it."""

    name: str
    breaks: str
    fix: str


EMAIL_ROUTING = Product(
    "Email Routing",
    "Cloudflare's Email Routing owns the MX and would take the mail",
    "turn it off in the dashboard (Email > Email Routing > Settings > Disable), the token cannot",
)
_ELSEWHERE = "or give the mail host another name"
WORKERS = Product(
    "Workers",
    "a Worker's custom domain owns this name",
    f"remove it in the dashboard (Workers & Pages > the Worker > Settings > Domains & Routes), {_ELSEWHERE}",
)
R2 = Product(
    "R2",
    "an R2 bucket's custom domain owns this name",
    f"remove it in the dashboard (R2 > the bucket > Settings > Custom Domains), {_ELSEWHERE}",
)
PAGES = Product(
    "Pages",
    "a Pages project's custom domain owns this name",
    f"remove it in the dashboard (Workers & Pages > the project > Custom domains), {_ELSEWHERE}",
)
TUNNEL = Product(
    "Tunnel",
    "a Cloudflare Tunnel owns this name",
    f"remove its public hostname in the dashboard (Zero Trust > Networks > Tunnels), {_ELSEWHERE}",
)
UNKNOWN = Product(
    "Cloudflare",
    "another product of Cloudflare made it, and keeps it read-only",
    "find that product in the dashboard (DNS > Records names it), and remove the record there",
)
_BY_NAME = {each.name: each for each in (EMAIL_ROUTING, WORKERS, R2, PAGES, TUNNEL, UNKNOWN)}
_BY_META = {"origin_worker_id": WORKERS, "r2_bucket": R2, "managed_by_argo_tunnel": TUNNEL}
_BY_TARGET = {
    "mx.cloudflare.net": EMAIL_ROUTING,
    "r2.dev": R2,
    "pages.dev": PAGES,
    "cfargotunnel.com": TUNNEL,
}


def owner(kind: str, content: str, meta: Mapping[str, object]) -> str:
    """The name of the product that keeps the record read-only, or an empty string."""
    if meta.get("email_routing"):
        return EMAIL_ROUTING.name
    if not meta.get("read_only"):
        return ""
    for key, product in _BY_META.items():
        if meta.get(key):
            return product.name
    return _by_content(kind, content).name


def product(name: str, kind: str, content: str) -> Product:
    """The product of this name. If there is no name, the product that the record's content leads to."""
    return _BY_NAME.get(name) or _by_content(kind, content)


def _by_content(kind: str, content: str) -> Product:
    if (kind, content) == ("AAAA", "100::"):  # the record of a Worker's custom domain
        return WORKERS
    targets = (found for end, found in _BY_TARGET.items() if content == end or content.endswith(f".{end}"))
    return next(targets, UNKNOWN)
