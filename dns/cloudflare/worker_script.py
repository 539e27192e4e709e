"""The Worker that serves the MTA-STS policy of one domain: its name and its script. Pure.

A Worker is a small program that Cloudflare runs for a request. This one answers the policy's text at the one
path that RFC 8461, section 3.3, names, and 404 to everything else.
https://developers.cloudflare.com/workers/
"""

from __future__ import annotations

import hashlib
import json
from string import Template

from dns.mta_sts.policy import PATH

MAIN_MODULE = "worker.js"
COMPATIBILITY_DATE = "2026-11-01"
"""The day whose behaviour of Cloudflare's runtime the script is written for."""
LONGEST_NAME = 63

_SCRIPT = Template("""\
// Letterbox: the MTA-STS policy (RFC 8461) of $domain.
// `python -m dns.sync` writes this script. It overwrites what is changed here.
const POLICY = $policy;
const PATH = $path;

export default {
  fetch(request) {
    const reads = request.method === "GET" || request.method === "HEAD";
    if (!reads || new URL(request.url).pathname !== PATH) {
      return new Response("Not found\\n", { status: 404, headers: { "content-type": "text/plain" } });
    }
    const headers = { "content-type": "text/plain", "cache-control": "no-store" };
    return new Response(request.method === "HEAD" ? null : POLICY, { headers });
  },
};
""")


def script_for(domain: str, text: str) -> str:
    """The script that serves this text as the policy of the domain, to the octet."""
    # JSON in ASCII is a JavaScript string, too (ECMA-262, 12.9.4).
    return _SCRIPT.substitute(domain=domain, policy=json.dumps(text), path=json.dumps(PATH))


def digest_of(script: str) -> str:
    """The digest by which a script is told from another: 20 hexadecimal digits."""
    return hashlib.sha256(script.encode()).hexdigest()[:20]


def script_in(kind: str, body: bytes) -> str:
    """The script in an answer of this type: a part of it (RFC 7578), or all of it.

    https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/content/
    """
    if kind.startswith("multipart/"):
        from email.parser import BytesParser  # late: few runs read a script

        whole = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        for part in whole.walk():
            names = (part.get_filename(), part.get_param("name", header="content-disposition"))
            if MAIN_MODULE in names:
                payload = part.get_payload(decode=True)
                body = payload if isinstance(payload, bytes) else body
    return body.decode(errors="replace")


def script_name(domain: str) -> str:
    """The name of the domain's Worker in the account.

    Cloudflare takes lower-case letters, digits, hyphens and underscores. A dot becomes a hyphen. If the
    domain has a hyphen of its own or is too long, a digest makes the name unique.
    """
    name = "letterbox-mta-sts-" + domain.replace(".", "-")
    if "-" not in domain and len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(domain.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9]}_{digest}"
