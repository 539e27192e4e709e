"""Looking at a domain from outside: everything that ``seen`` holds, asked for at once where it can be.

Nothing here judges, and nothing but questions is sent: no token, no SDK, no mail.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from dns.desired import desired
from dns.errors import SyncError
from dns.inventory.checked import Domain, Inventory, MailHost
from dns.inventory.host_addresses import Addresses, known
from dns.names import is_within
from dns.world import answers, delegation
from dns.world.answers import Answer, Expected
from dns.world.mail_hosts import address_seen, leaving, looked_up, to_probe
from dns.world.seen import HostSeen, Seen, ServerSeen
from dns.world.served import Progress, Server, questions
from dns.world.vantage import From, Rows, Show

THREADS = 16
SEP = 1  # the flag of a key that signs keys (RFC 4034, 2.1.1)


def look(
    inventory: Inventory,
    domain: Domain,
    own: Mapping[str, Addresses],
    where: From,
    *,
    nameservers: tuple[str, ...] = (),
    show: Show = lambda progress: None,
) -> Seen:
    """Everything that can be seen of the domain, once.

    ``own`` holds the hosts' own addresses, by ``MailHost.name``, as far as they could be read;
    ``nameservers`` are those that Cloudflare means for the zone, where they are known.
    """
    lost = ""
    try:
        found = delegation.find(domain.name, where.resolver, port=where.port)
    except SyncError as error:
        lost, found = str(error), _by_resolver(domain.name, where)
    located = delegation.locate(found, where.resolver, port=None if lost else where.port)
    wanted = _expected(inventory, domain, found.zone, own)
    rows = Rows(show)

    def host_seen(host: MailHost) -> HostSeen:
        in_zone = is_within(host.hostname, found.zone)
        servers = located.servers if in_zone and not lost else ()
        return looked_up(host, own.get(host.name), where, in_zone=in_zone, servers=servers, walk=not lost)

    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        hosts = pool.map(host_seen, inventory.hosts)
        asked = [
            pool.submit(_asked, server, wanted, found.zone, where.port, False, rows)
            for server in located.servers
        ]
        seen_hosts = tuple(hosts)
        places = [
            pool.submit(address_seen, host.hostname, address, where, rows)
            for host in seen_hosts
            for address in to_probe(host)
        ]
        servers = tuple(one.result() for one in asked)
        wanted = tuple(_less_policies_of_others(wanted, servers))
        # Asked too early, a resolver would keep for long that there is nothing (RFC 2308).
        cached = [
            pool.submit(_asked, server, wanted, "", where.resolver.port, True, rows)
            for server in (where.resolvers if nothing_differs(servers, wanted) else ())
        ]
        addresses = tuple(place.result() for place in places)
        key_ds, ds_to_set = _keys(found.zone, servers)
        return Seen(
            domain=domain.name,
            zone=found.zone,
            delegation=None if lost else found,
            expected=wanted,
            servers=servers,
            without_route=located.without_route,
            without_address=located.without_address,
            unlocated=located.unlocated,
            resolvers=tuple(one.result() for one in cached),
            key_ds=key_ds,
            ds_to_set=ds_to_set,
            hosts=seen_hosts,
            addresses=addresses,
            leaving=leaving(addresses, where),
            own_nameservers=nameservers,
            lost=lost,
        )


def _expected(
    inventory: Inventory, domain: Domain, zone: str, own: Mapping[str, Addresses]
) -> tuple[Expected, ...]:
    """What the zone is to answer; a host's addresses only where they are known."""
    hosts = [host for host in inventory.hosts if known(host, own.get(host.name))]
    records = desired(Inventory(tuple(hosts), inventory.domains), domain, zone, own)
    mx = frozenset(f"{host.mx_preference} {host.hostname}" for host in inventory.hosts)
    rest = [question for question in questions(records) if question.type != "MX"]
    return (Expected(domain.name, "MX", mx), *rest)


def _by_resolver(domain: str, where: From) -> delegation.Delegation:
    """The zone's nameservers by what the resolver says, where the way from the root is barred."""
    zone = domain
    while "." in zone:
        names = where.resolve(zone, "NS").values
        if names:
            return delegation.Delegation(zone, "", tuple(sorted(names)))
        zone = zone.partition(".")[2]
    return delegation.Delegation(domain, "", ())


def _asked(
    server: Server, wanted: Sequence[Expected], zone: str, port: int, recursive: bool, rows: Rows
) -> ServerSeen:
    """What the server answers to each question; a nameserver also who it says answers for its zone, and keys.

    A server that has answered nothing is given up after two questions: the others would only take as
    long again. One that is silent for some types alone is asked for all of them.
    """
    found: dict[tuple[str, str], Answer] = {}
    good, problem = 0, ""
    more = () if recursive else tuple(Expected(zone, kind, frozenset()) for kind in ("NS", "DNSKEY"))
    for question in (*wanted, *more):
        nothing_yet = bool(found) and all(answer.silence for answer in found.values())
        if nothing_yet and len(found) > 1:
            answer = next(iter(found.values()))
        else:
            answer = _persistently(server, question, port, recursive, again=not nothing_yet)
        found[question.name, question.type] = answer
        if question not in more:
            lacks = answers.lacking(question, answer, authoritative=not recursive)
            good, problem = good + (lacks is None), problem or lacks or ""
            rows.set(Progress(server, good, len(wanted), problem or "asking"))
    return ServerSeen(server, found)


def _persistently(server: Server, question: Expected, port: int, recursive: bool, *, again: bool) -> Answer:
    """The server's answer, asked for ``again`` where the first got lost, or the server failed."""

    def said(checked: bool = True) -> Answer:
        return answers.ask(
            server.address, question.name, question.type, port=port, recursive=recursive, checked=checked
        )

    answer = said()
    if again and (answer.silence or answer.status == "SERVFAIL"):
        answer = said()
    if answer.status == "SERVFAIL" and recursive and said(checked=False).exists is not None:
        # With checking disabled it answers: then it is the signatures that it refuses (RFC 4035, 4.7).
        return Answer(status=answers.BOGUS)
    return answer


def _less_policies_of_others(wanted: Sequence[Expected], servers: Sequence[ServerSeen]) -> Iterator[Expected]:
    """What is expected, without the policies in whose place another's stands, which ``dns.sync`` lets be."""
    for question in wanted:
        said = [one.answers[question.name, question.type] for one in servers]
        answer = next((answer for answer in said if not answer.failure()), None)
        if question.type == "TXT" and answer and not question.values <= answer.values:
            versions = tuple(value.split(";")[0].split()[0].lower() for value in question.values)
            if answer.alias or any(text.lower().startswith(versions) for text in answer.values):
                continue
        yield question


def nothing_differs(servers: Sequence[ServerSeen], wanted: Sequence[Expected]) -> bool:
    """Whether some nameserver answers all as it should, and none answers anything otherwise.

    A nameserver that gives no answer is passed over by resolvers too.
    """

    def lacks(one: ServerSeen) -> list[Answer]:
        pairs = ((question, one.answers[question.name, question.type]) for question in wanted)
        return [answer for question, answer in pairs if answers.lacking(question, answer)]

    found = [lacks(one) for one in servers]
    return not all(found) and all(answer.failure() for one in found for answer in one)


def _keys(zone: str, servers: Iterable[ServerSeen]) -> tuple[frozenset[str] | None, str]:
    """The DS of each key that a nameserver has for the zone, and the one for the registrar.

    None where no nameserver says which keys there are.
    """
    from dns.dnssec import make_ds
    from dns.rdata import from_text

    said = [one.answers[zone, "DNSKEY"] for one in servers]
    told = [answer for answer in said if not answer.failure()]
    keys = [from_text("IN", "DNSKEY", text) for text in sorted({t for answer in told for t in answer.values})]
    made = {
        answers.canonical_rdata("DS", make_ds(zone + ".", key, digest, validating=True).to_text())
        for key in keys
        for digest in ("SHA1", "SHA256", "SHA384")
    }
    signing = [key for key in keys if int(key.to_text().split()[0]) & SEP]
    entry = [make_ds(zone + ".", key, "SHA256").to_text() for key in signing]
    return (frozenset(made), entry[0] if entry else "") if told else (None, "")
