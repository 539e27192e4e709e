"""Looking at a domain from outside: everything in `Seen`, asked at the same time where possible.

Nothing is judged here. Only questions are sent: no token, no mail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from dns.caa.decision import is_bound
from dns.desired import desired
from dns.errors import SyncError
from dns.inventory import Domain, Inventory, MailHost
from dns.inventory.host_addresses import Addresses, published_if_known
from dns.inventory.host_keys import HostKeys
from dns.names import is_within
from dns.world import delegation, signed
from dns.world.expected import Expected, from_records
from dns.world.look import mail_hosts
from dns.world.look.authorities import with_caa
from dns.world.look.mail_hosts import addresses_to_probe, look_at_address, look_up_host, outbound_25
from dns.world.look.policies import look_at_policy
from dns.world.look.servers import ask_server, nothing_differs
from dns.world.nameservers import Located
from dns.world.progress import OnProgress, ProgressBoard, ignore
from dns.world.seen import HostSeen, Seen, ServerSeen
from dns.world.vantage import VantagePoint

THREADS = 16


def look(
    inventory: Inventory,
    domain: Domain,
    own: Mapping[str, Addresses],
    vantage: VantagePoint,
    *,
    nameservers: tuple[str, ...] = (),
    located: Located | None = None,
    keys: Mapping[str, HostKeys] = {},
    on_progress: OnProgress = ignore,
) -> Seen:
    """Look once at everything that can be seen of the domain.

    `own` holds the addresses that were read from the hosts, by `MailHost.name`. `nameservers` are those that
    Cloudflare gave the zone, and `located` is where they are, as far as the caller knows it. `keys` is what
    the hosts answered about their keys, by `MailHost.name`.
    """
    lost = ""
    try:
        found = delegation.find(domain.name, vantage.resolver, port=vantage.port)
    except SyncError as error:
        lost, found = str(error), _by_resolver(domain.name, vantage)
    place = delegation.locate(found, vantage.resolver, port=None if lost else vantage.port, known=located)
    wanted = _expected(inventory, domain, found.zone, own)
    board = ProgressBoard(on_progress)

    def look_at_host(host: MailHost) -> HostSeen:
        in_zone = is_within(host.hostname, found.zone)
        servers = place.servers if in_zone and not lost else ()
        return look_up_host(
            host, own.get(host.name), vantage, in_zone=in_zone, servers=servers, from_root=not lost
        )

    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        hosts = pool.map(look_at_host, inventory.hosts)
        asked = [
            pool.submit(ask_server, server, wanted, found.zone, vantage.port, False, board)
            for server in place.servers
        ]
        about_policy = pool.submit(
            look_at_policy,
            domain.name,
            domain.mta_sts,
            () if lost else place.servers,
            vantage,
        )
        seen_hosts = tuple(hosts)
        probes = [
            pool.submit(look_at_address, host.hostname, address, vantage, board)
            for host in seen_hosts
            for address in addresses_to_probe(host)
        ]
        servers = tuple(one.result() for one in asked)
        wanted = tuple(_without_foreign_policies(wanted, servers))
        # A resolver that is asked too early keeps for long that there is nothing (RFC 2308).
        cached = [
            pool.submit(ask_server, server, wanted, "", vantage.resolver.port, True, board)
            for server in (vantage.resolvers if nothing_differs(servers, wanted) else ())
        ]
        said = [(one.server, one.answers[found.zone, "DNSKEY"]) for one in servers]
        zone = None if lost else signed.judge(found, said)

        def with_keys(host: MailHost, seen: HostSeen) -> HostSeen:
            dane = domain.dane or any(d.dane and is_within(host.hostname, d.name) for d in inventory.domains)
            seen = mail_hosts.with_keys(seen, vantage, dane=dane, keys=keys.get(host.name), zone=zone)
            return with_caa(seen, host, vantage, binds=is_bound(inventory, host, found.zone))

        seen_hosts = tuple(pool.map(with_keys, inventory.hosts, seen_hosts))
        addresses = tuple(probe.result() for probe in probes)
        key_ds, ds_to_set = _keys(found.zone, servers)
        return Seen(
            domain=domain.name,
            zone=found.zone,
            delegation=None if lost else found,
            expected=wanted,
            servers=servers,
            without_route=place.without_route,
            without_address=place.without_address,
            unlocated=place.unlocated,
            resolvers=tuple(one.result() for one in cached),
            key_ds=key_ds,
            ds_to_set=ds_to_set,
            hosts=seen_hosts,
            addresses=addresses,
            outbound_25=outbound_25(addresses, vantage),
            own_nameservers=nameservers,
            lost=lost,
            dane=domain.dane,
            signed=zone,
            policy=about_policy.result(),
        )


def _expected(
    inventory: Inventory, domain: Domain, zone: str, own: Mapping[str, Addresses]
) -> tuple[Expected, ...]:
    """What the zone should answer. A host's addresses are expected only if they are known."""
    hosts = [host for host in inventory.hosts if published_if_known(host, own.get(host.name))]
    records = desired(Inventory(tuple(hosts), inventory.domains), domain, zone, own)
    mx = frozenset(f"{host.mx_preference} {host.hostname}" for host in inventory.hosts)
    rest = [question for question in from_records(records) if question.type != "MX"]
    return (Expected(domain.name, "MX", mx), *rest)


def _by_resolver(domain: str, vantage: VantagePoint) -> delegation.Delegation:
    """The zone's nameservers as the resolver answers, if this network does not let us ask the root."""
    zone = domain
    while "." in zone:
        names = vantage.resolve(zone, "NS").values
        if names:
            return delegation.Delegation(zone, "", tuple(sorted(names)))
        zone = zone.partition(".")[2]
    return delegation.Delegation(domain, "", ())


def _without_foreign_policies(
    wanted: Sequence[Expected], servers: Sequence[ServerSeen]
) -> Iterator[Expected]:
    """What is expected, without the policies that `dns.sync` does not publish beside somebody else's."""
    for question in wanted:
        said = [one.answers[question.name, question.type] for one in servers]
        answer = next((answer for answer in said if not answer.failure()), None)
        if question.type == "TXT" and answer and not question.values <= answer.values:
            versions = tuple(value.split(";")[0].split()[0].lower() for value in question.values)
            if answer.alias or any(text.lower().startswith(versions) for text in answer.values):
                continue
        yield question


def _keys(zone: str, servers: Iterable[ServerSeen]) -> tuple[frozenset[str] | None, str]:
    """The DS of each key that a nameserver has for the zone, and the DS for the registrar.

    None if no nameserver tells which keys there are.
    """
    told = [answer for one in servers if not (answer := one.answers[zone, "DNSKEY"]).failure()]
    made, entry = signed.ds_of(zone, {text for answer in told for text in answer.values})
    return (made, entry) if told else (None, "")
