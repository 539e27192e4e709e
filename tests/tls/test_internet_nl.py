"""The points of internet.nl's mail test for a deployed host, as `dns.check --internet-nl` has them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.deploys import ROOT
from tests.lab.lab import DOMAIN, HOSTNAME, Lab
from tests.lab.tls.pebble import Pebble
from tests.tls import host, zone
from tests.tls.pairs import Pair, digest, new_key

NEXT = new_key()


def points(lab: Lab, trusts: Path) -> dict[str, dict[str, Any]]:
    """The points by their code, as a machine finds them that trusts this file of authorities."""
    done = subprocess.run(
        [sys.executable, "-m", "dns.check", DOMAIN, "--internet-nl", "--json", "--inventory", lab.inventory],
        cwd=ROOT,
        env={**os.environ, **lab.environment, "SSL_CERT_FILE": str(trusts)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return {each["code"]: each for each in json.loads(done.stdout)["internet_nl"]["points"]}


def test_a_host_as_a_plain_inventory_has_it_lacks_what_its_domain_does_not_ask_for(
    tls_lab: Lab, tmp_path: Path
) -> None:
    """No DNSSEC, no DANE, no authority's certificate and no CAA: and all that is TLS holds."""
    found = points(tls_lab, Path("/etc/ssl/certs/ca-certificates.crt"))
    lacks = {code for code, each in found.items() if each["outcome"] != "holds"}
    assert not {code for code in lacks if code.startswith(("ipv6_", "starttls_tls_"))}, found
    assert {"dnssec_mailto_exist", "starttls_dane_exist", "starttls_cert_chain", "starttls_cert_caa"} <= lacks


def test_every_point_holds_for_a_host_with_dane_caa_and_a_certificate_of_an_authority(
    signed: Lab, ca: Pebble, trusted: Pair, tmp_path: Path
) -> None:
    (tmp_path / "root.pem").write_text(ca.root())
    with host.as_it_was(signed.target):
        host.install(signed.target, trusted)
        zone.set_caa(signed, HOSTNAME, "pebble.test")
        zone.publish(signed, digest(trusted.key), digest(NEXT))
        found = points(signed, tmp_path / "root.pem")
    print("", *(f"{p['label']} | {p['outcome']} | {p['cause']}" for p in found.values()), sep="\n")
    assert {code: each for code, each in found.items() if each["outcome"] != "holds"} == {}
