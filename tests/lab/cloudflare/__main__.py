"""`python -m tests.lab.cloudflare`: the stand-in as a program, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from tests.lab.cloudflare import zonefile
from tests.lab.cloudflare.authority import Authority
from tests.lab.cloudflare.dnssec import Commands
from tests.lab.cloudflare.edge import Edge
from tests.lab.cloudflare.standin import StandIn


def main(argv: list[str]) -> int:
    """Serve until told to stop. Prints the base URL once it accepts connections."""
    parser = argparse.ArgumentParser(prog="cloudflare stand-in", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:8787", metavar="ADDRESS:PORT")
    parser.add_argument("--token", required=True, help="the token that is accepted, 10 characters or more")
    parser.add_argument(
        "--token-of", nargs=2, action="append", default=[], metavar=("TOKEN", "ZONE"), help="one for one zone"
    )
    parser.add_argument("--zone", action="append", required=True, metavar="NAME")
    parser.add_argument("--nameserver", action="append", required=True, metavar="NAME")
    parser.add_argument("--zones-dir", type=Path, help="where each zone is written as NAME.zone")
    parser.add_argument(
        "--automatic-ttl",
        type=int,
        default=zonefile.AUTOMATIC_TTL,
        metavar="SECONDS",
        help="what a TTL of 1 is published as (default: %(default)s, as Cloudflare does)",
    )
    parser.add_argument(
        "--negative-ttl",
        type=int,
        default=zonefile.NEGATIVE_TTL,
        metavar="SECONDS",
        help="how long resolvers keep that a record is not there (default: %(default)s)",
    )
    parser.add_argument("--reload", default="", help="shell command to run after a zone was written")
    parser.add_argument(
        "--signer",
        metavar="COMMAND",
        help="shell command that signs: `COMMAND sign ZONE` prints the zone's DNSKEY, `COMMAND ds ZONE` the "
        "DS that its parent answers, each as rdata, one a line (default: a fixed key, and nothing is signed)",
    )
    parser.add_argument("--state", type=Path, help="file that keeps the records between runs")
    parser.add_argument(
        "--edge",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="where the Workers are served over HTTPS",
    )
    parser.add_argument("--edge-port", type=int, default=443, metavar="PORT", help="default: %(default)s")
    parser.add_argument(
        "--edge-root", type=Path, metavar="FOLDER", help="its authority: root.pem, root-key.pem"
    )
    parser.add_argument(
        "--edge-faults", type=Path, metavar="FILE", help="how it fails, as JSON of an EdgeFault"
    )
    given = parser.parse_args(argv)
    address, _, port = given.listen.rpartition(":")
    if not port.isdigit():
        parser.error(f"--listen {given.listen}: write ADDRESS:PORT, as in 127.0.0.1:8787 or [::1]:8787")
    if given.zones_dir and not given.zones_dir.is_dir():
        parser.error(f"--zones-dir {given.zones_dir}: there is no such folder: make it first")
    if given.edge and not given.edge_root:
        parser.error("--edge needs --edge-root")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    standin = StandIn(
        given.zone,
        token=given.token,
        nameservers=given.nameserver,
        listen=(address.strip("[]"), int(port)),
        zones_dir=given.zones_dir,
        reload=given.reload,
        state=given.state,
        signer=Commands(given.signer) if given.signer else None,
        lifetimes=zonefile.Lifetimes(given.automatic_ttl, given.negative_ttl),
        edge={"AAAA" if ":" in each else "A": each for each in given.edge} or zonefile.PROXY,
    )
    for token, zone in given.token_of:
        standin.add_token(token, zones=[zone])
    with ExitStack() as stack:
        stack.enter_context(standin)
        if given.edge:
            store = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            authority = Authority(given.edge_root, store)
            edge = Edge(standin.served, authority, given.edge, port=given.edge_port, faults=given.edge_faults)
            stack.enter_context(edge)
        print(f"listening at {standin.base_url}", flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
