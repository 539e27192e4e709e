"""`python -m services.renewal`: the command line, and how a run ends."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from services.renewal import cloudflare, look, renewal
from services.renewal.challenge import Publisher
from services.renewal.errors import RenewalError
from services.renewal.nameservers import View

PROGRAM = "letterbox-certificate"
CREDENTIAL = "cloudflare-token"
NOBODY = "nobody"
DIRECTORIES = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
_TOKEN = re.compile(r"[A-Za-z0-9_-]{10,}")
_EPILOG = """\
exit codes: 0 the certificate is as wanted; 1 it is not, and one line on stderr says why and what to do;
2 wrong arguments; with --look also 3 the CA or the profile is none; 4 a certificate is to be ordered.
By using it you accept the terms of the CA.
"""
WRONG, DUE = 3, 4


def main(argv: list[str]) -> int:
    """Run once. Returns the exit code."""
    given = _arguments(argv)
    try:
        wanted = renewal.Wanted(
            given.request or Path(),
            given.state,
            DIRECTORIES.get(given.ca, given.ca),
            given.profile,
            given.trust,
            "" if given.smtp == NOBODY else given.smtp,
            given.pause,
        )
        if given.look:
            return _look(wanted, given)
        after = renewal.run(wanted, None if given.warn else _publisher(given))
    except RenewalError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return WRONG if given.look and error.is_wrong else 1
    print(
        after.outcome if after.succeeded else f"{PROGRAM}: {after.outcome}",
        file=sys.stdout if after.succeeded else sys.stderr,
    )
    return 0 if after.succeeded else 1


def _look(wanted: renewal.Wanted, given: argparse.Namespace) -> int:
    """Look, and print what was found. Returns the exit code. Raises RenewalError."""
    if given.request is None:
        look.check(wanted)
        return 0
    found = look.look(wanted, given.held)
    print(found.words)
    return DUE if found.is_due else 0


def _publisher(given: argparse.Namespace) -> Publisher:
    zone = cloudflare.Zone(
        given.api.rstrip("/"), given.zone.rstrip(".").lower(), given.zone_id, _token(given.token)
    )
    view = View(given.resolver, given.nameserver_port, given.dns_seconds, given.settle)
    return Publisher(zone, view, lambda step: print(step, flush=True))


def _token(path: Path | None) -> str:
    """The token in the file. By default it is the credential that systemd hands over (systemd.exec(5))."""
    if path is None:
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise RenewalError("no token: name its file with --token, or run this as its unit does")
        path = Path(folder, CREDENTIAL)
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "not text"
        raise RenewalError(f"the token {path} cannot be read ({said}): deploy with a token again") from None
    if not _TOKEN.fullmatch(token):
        raise RenewalError(f"the file {path} does not hold a token of Cloudflare: deploy with a token again")
    return token


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Get or renew the certificate of a request that was signed once, by ACME with DNS-01 at "
        "Cloudflare. Orders only if one is due.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--request", type=Path, metavar="FILE", help="the signed request (CSR), PEM (not needed by --look)"
    )
    parser.add_argument(
        "--state",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="holds account.pem, state.json and KEY/certificate.pem; KEY is 16 digits of the key's digest",
    )
    parser.add_argument(
        "--ca",
        required=True,
        metavar="CA",
        help="letsencrypt, letsencrypt-staging, or the URL of a directory",
    )
    parser.add_argument(
        "--profile", default="", metavar="NAME", help="a profile of the CA (default: its choice)"
    )
    parser.add_argument(
        "--trust", type=Path, metavar="FILE", help="PEM: verify the CA's HTTPS with these, not the host's"
    )
    parser.add_argument(
        "--zone",
        default="",
        metavar="NAME",
        help="the zone that holds _acme-challenge, or to which that leads",
    )
    parser.add_argument("--zone-id", default="", metavar="ID", help="the zone's identifier at Cloudflare")
    parser.add_argument(
        "--token",
        type=Path,
        metavar="FILE",
        help="holds the token, with Zone > DNS > Edit on that zone (default: "
        f"$CREDENTIALS_DIRECTORY/{CREDENTIAL})",
    )
    parser.add_argument(
        "--warn",
        action="store_true",
        help="order nothing and need no token: only warn postmaster if less than 1/6 of its life is left",
    )
    parser.add_argument(
        "--look",
        action="store_true",
        help="order nothing and need no token: say whether a certificate is due, and whether the CA and its "
        "profile are right",
    )
    parser.add_argument(
        "--held",
        type=Path,
        metavar="FILE",
        help="with --look: the certificate that the host has, which is taken over if it is newer",
    )
    parser.add_argument(
        "--smtp",
        default="127.0.0.1:25",
        metavar="ADDRESS:PORT",
        help=f"where postmaster gets mail, or {NOBODY}",
    )
    parser.add_argument(
        "--pause",
        type=float,
        default=60,
        metavar="SECONDS",
        help="before a second order (default: %(default)s)",
    )
    parser.add_argument(
        "--api",
        default=os.environ.get("CLOUDFLARE_BASE_URL") or cloudflare.API,
        metavar="URL",
        help="of Cloudflare",
    )
    parser.add_argument("--resolver", default="", metavar="ADDRESS[#PORT]", help="in place of this host's")
    parser.add_argument(
        "--nameserver-port", type=int, default=53, metavar="PORT", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--dns-seconds",
        type=float,
        default=120,
        metavar="SECONDS",
        help="for all nameservers of the zone to answer the challenge (default: %(default)s)",
    )
    parser.add_argument(
        "--settle",
        type=float,
        default=5,
        metavar="SECONDS",
        help="more, for nameservers in far places (default: %(default)s)",
    )
    given = parser.parse_args(argv)
    if not given.request and not given.look:
        parser.error("the following arguments are required: --request")
    if (
        not given.warn
        and not given.look
        and not (given.zone and re.fullmatch(r"[0-9a-f]{32}", given.zone_id))
    ):
        parser.error("--zone and --zone-id (32 hexadecimal digits) are needed, or --warn, or --look")
    if given.smtp != NOBODY and not re.fullmatch(r".+:\d{1,5}", given.smtp):
        parser.error(f"--smtp {given.smtp}: write ADDRESS:PORT, or {NOBODY}")
    return given
