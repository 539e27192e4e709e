"""The world machine: the DNS from the root down, a resolver, a stranger's mail server, Cloudflare's stand-in.

The stand-in also serves the policies of its Workers over HTTPS, as Cloudflare's edge does.

Names are resolved as they are anywhere. The resolver knows only the root; the registry's server (root and
`test`) refers it to ns1 and ns2.cloudflare.test, which serve what the stand-in publishes. Postfix sends the
mail: it looks up MX and addresses there, and tries again by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template

from tests.lab.machines.machine import Machine
from tests.lab.network import EDGE, NS1, NS2, REGISTRY, VALIDATOR, WORLD, Network

TEMPLATES = Path(__file__).parent / "templates" / "world"
STAND_IN = Path(__file__).parent / "cloudflare"
ZONES = ("example.test", "second.test", "xn--mnchen-3ya.test")
TOKEN = "lab-token-0123456789"
CERTIFICATE_TOKEN = "certificate-token-0123456789"
"""A second token, for the zone example.test alone."""
NO_WORKERS_TOKEN = "no-workers-token-0123456789"
"""A third one, for the zone example.test, without the account's right to change Workers. TOKEN has it."""
API_PORT = 8080
EDGE_FAULTS = "/run/lab/edge.json"
STRANGER = "stranger@sender.test"


@dataclass(frozen=True, slots=True)
class World(Machine):
    """The machine, with what its mail server and its resolver can be asked."""

    def send(
        self,
        message: bytes,
        recipients: Iterable[str],
        sender: str = STRANGER,
        *,
        body: str = "8BITMIME",
        port: int = 25,
    ) -> None:
        """Hand a message (lines ending in CRLF or LF) to Postfix, which then delivers it by itself.

        `body` is the BODY parameter of MAIL FROM. `sender` may be empty, as in a notification's envelope.
        `port` is 25 for the stranger's Postfix, or that of another.
        """
        envelope = json.dumps({"sender": sender, "recipients": list(recipients), "body": body, "port": port})
        self.write("/run/lab/message", message)
        self.run(["python3", "-c", SUBMIT, envelope])

    def queue(self) -> list[dict[str, object]]:
        """What Postfix has not delivered yet, as postqueue(1) prints it, with the reasons for the delay."""
        return [json.loads(line) for line in self.run("postqueue -j").stdout.splitlines()]

    def flush(self) -> None:
        """Let Postfix try everything in its queue again at once."""
        self.run("postqueue -f")

    def bounces(self) -> list[str]:
        """The whole notifications of failure that Postfix has delivered to the stranger."""
        listed = self.run("find /home/stranger/Maildir/new -type f 2>/dev/null", check=False).stdout
        return [self.read(path).decode(errors="replace") for path in sorted(listed.split())]

    def forget(self) -> None:
        """Let the resolver forget all answers that it keeps."""
        self.run("unbound-control -q flush_zone .")

    def lookup(self, name: str, kind: str, *, cached: bool = False) -> list[str]:
        """What the world's resolver answers: record data, sorted; empty if there is none.

        If not `cached`, it forgets first what it keeps, so that it answers what is published now.
        """
        if not cached:
            self.forget()
        answer = self.run(["kdig", "+short", "+timeout=5", f"@{self.ipv4}", name, kind]).stdout
        return sorted(answer.split("\n")[:-1])


SUBMIT = """
import json, smtplib, sys
envelope = json.loads(sys.argv[1])
with open("/run/lab/message", "rb") as file:
    message = file.read()
with smtplib.SMTP("127.0.0.1", envelope["port"], timeout=60) as postfix:
    postfix.ehlo("stranger.sender.test")
    options = ["body=" + envelope["body"]] if envelope["body"] else []
    if any(not address.isascii() for address in [envelope["sender"], *envelope["recipients"]]):
        options.append("SMTPUTF8")
    postfix.sendmail(envelope["sender"], envelope["recipients"], message, mail_options=options)
"""


def environment(network: Network) -> dict[str, str]:
    """The variables with which a program talks to this world in place of the real one."""
    world = network.address4(WORLD)
    return {
        "CLOUDFLARE_API_TOKEN": TOKEN,
        "CLOUDFLARE_BASE_URL": f"http://{world}:{API_PORT}/client/v4",
        "LETTERBOX_RESOLVER": world,
    }


def addresses() -> tuple[int, ...]:
    """The machine's addresses in the lab's subnets, its own first."""
    return WORLD, EDGE, REGISTRY, NS1, NS2, VALIDATOR


def files(network: Network) -> dict[str, tuple[bytes, int]]:
    """The machine's configuration in this network, and the stand-in: path to content and mode."""
    named = {
        "world": WORLD,
        "registry": REGISTRY,
        "ns1": NS1,
        "ns2": NS2,
        "validator": VALIDATOR,
        "edge": EDGE,
    }
    values = {f"{name}4": network.address4(number) for name, number in named.items()}
    values |= {f"{name}6": network.address6(number) for name, number in named.items()}
    values |= {
        "token": TOKEN,
        "certificate_token": CERTIFICATE_TOKEN,
        "no_workers_token": NO_WORKERS_TOKEN,
        "edge_faults": EDGE_FAULTS,
        "api_port": str(API_PORT),
        "zones": " ".join(f"--zone {zone}" for zone in ZONES),
        "delegations": "\n".join(f"{zone}. NS ns{n}.cloudflare" for zone in ZONES for n in (1, 2)),
    }
    made = {}
    for path in sorted(TEMPLATES.rglob("*")):
        if path.is_file():
            content = Template(path.read_text()).substitute(values)
            made[str(path.relative_to(TEMPLATES))] = (content.encode(), 0o644)
    # `zone-signer`, which the stand-in runs without root, writes this file anew.
    listed = "zone:\n" + "".join(f"  - domain: {zone}\n" for zone in ZONES)
    made["etc/knot/zones.conf"] = (listed.encode(), 0o666)
    # The stand-in runs there as `python3 -m tests.lab.cloudflare`, without the rest of the lab.
    for package in ("tests", "tests/lab"):
        made[f"opt/lab/{package}/__init__.py"] = (b"", 0o644)
    for path in sorted(STAND_IN.glob("*.py")):
        made[f"opt/lab/tests/lab/cloudflare/{path.name}"] = (path.read_bytes(), 0o644)
    return made
