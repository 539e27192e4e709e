"""DNSSEC in the lab: signing a zone, handing its DS to the registry, and a resolver that validates.

The root and `test` are always signed. A zone that the stand-in publishes is not, until DNSSEC is switched on
there (its commands are `zone-signer`), or a test signs it here. Its DS comes into `test` only on command, as
a real one does only when its owner hands it to the registrar.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab.world import World

VALIDATING = "127.0.0.53"
"""Where the world's validating resolver listens, inside the world."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a validating resolver answers (RFC 4035, 3.2.3)."""

    status: str
    """The response code, such as `NOERROR`, or `SERVFAIL` where a proof fails."""
    secure: bool
    """Whether the answer is proved from the root down: the bit AD."""
    data: tuple[str, ...]
    """The data of the records of the asked type, sorted."""


def sign(world: World, zone: str) -> str:
    """Let both nameservers sign the zone, without the API. Returns its DNSKEY's data."""
    return _signer(world, "sign", zone)[0]


def unsign(world: World, zone: str) -> None:
    """Let both nameservers serve the zone unsigned, and the registry forget its DS."""
    hand_in(world, zone)
    _signer(world, "off", zone)


def hand_in(world: World, zone: str, *signers: str) -> None:
    """Let the registry publish these DS for the zone, each as its data, in place of those that it has."""
    world.run(["registrar", zone, *signers])


def at_parent(world: World, zone: str) -> list[str]:
    """The data of the DS that the registry has for the zone."""
    return _signer(world, "ds", zone)


def own_ds(world: World, zone: str) -> str:
    """The data of the DS (SHA-256) of the key that signs the zone, as its nameservers make it."""
    listed = world.run(["keymgr", "--config", "/etc/knot/ns1.conf", zone, "ds"]).stdout.splitlines()
    return next(line.partition(" DS ")[2] for line in listed if " 13 2 " in line)


def start_validating(world: World) -> None:
    """Start the resolver that validates, if it does not run. It listens at the lab's `VALIDATOR` too."""
    world.run("systemctl start unbound@validating.service")


def forget(world: World) -> None:
    """Let the validating resolver forget all answers and proofs that it keeps."""
    world.run("unbound-control -q -s /run/unbound-validating.ctl flush_zone .")


def validated(world: World, name: str, kind: str, *, cached: bool = False) -> Answer:
    """What the validating resolver answers. If not `cached`, it forgets first what it keeps."""
    start_validating(world)
    if not cached:
        forget(world)
    said = world.run(["kdig", "+timeout=5", "+noall", "+header", "+answer", f"@{VALIDATING}", name, kind])
    status, secure, data = "", False, []
    for line in said.stdout.splitlines():
        if line.startswith(";; ->>HEADER<<-"):
            status = line.partition("status: ")[2].partition(";")[0]
        elif line.startswith(";; Flags:"):
            secure = "ad" in line.partition(":")[2].partition(";")[0].split()
        elif line and not line.startswith(";"):
            _, _, _, found, rdata = line.split(None, 4)
            data += [rdata] if found == kind else []
    return Answer(status, secure, tuple(sorted(data)))


def _signer(world: World, command: str, zone: str) -> list[str]:
    """What `zone-signer` prints, run as the user of the nameservers, as the stand-in runs it."""
    return world.run(["runuser", "-u", "knot", "--", "zone-signer", command, zone]).stdout.splitlines()
