"""Looking at a domain from outside: everything that ``seen`` holds, asked for at once where it can be.

Nothing here judges, and nothing but questions is sent: no token, no SDK, no mail.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from dns import answers, delegation
from dns.answers import Answer, Expected
from dns.desired import desired
from dns.errors import SyncError
from dns.host_addresses import Addresses, known
from dns.inventory import Domain, Inventory
from dns.mail_hosts_seen import address_seen, leaving, looked_up, to_probe
from dns.names import is_within
from dns.seen import Seen, ServerSeen
from dns.served import Progress, Server, questions
from dns.vantage import From, Rows, Show

THREADS = 16
NOT_ASKED = Answer(status="", silence="not asked")


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
    located = delegation.locate(found, where.resolver)
    wanted = _expected(inventory, domain, found.zone, own)
    rows = Rows(show)
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        hosts = pool.map(
            lambda host: looked_up(
                host,
                own.get(host.name),
                where,
                servers=located.servers if is_within(host.hostname, found.zone) else (),
            ),
            inventory.hosts,
        )
        keys = pool.submit(_keys, found.zone, located.servers, where.port)
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
            pool.submit(_asked, server, wanted, found.zone, where.resolver.port, True, rows)
            for server in (where.resolvers if all_as_expected(servers, wanted) else ())
        ]
        addresses = tuple(place.result() for place in places)
        key_ds, ds_to_set = keys.result()
        return Seen(
            domain=domain.name,
            zone=found.zone,
            delegation=None if lost else found,
            expected=wanted,
            servers=servers,
            without_route=located.without_route,
            without_address=located.without_address,
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
    found: dict[tuple[str, str], Answer] = {}
    good, problem = 0, ""
    for question in (*wanted, Expected(zone, "NS", frozenset())):
        answer = _persistently(server, question, port, recursive)
        found[question.name, question.type] = answer
        if question.type != "NS":
            lacks = answers.lacking(question, answer, authoritative=not recursive)
            good, problem = good + (lacks is None), problem or lacks or ""
            rows.set(Progress(server, good, len(wanted), problem or "asking"))
        if answer.silence:
            break  # it is down: the other questions would only take as long again
    return ServerSeen(server, found)


def _persistently(server: Server, question: Expected, port: int, recursive: bool) -> Answer:
    """The server's answer, asked for a second time where the first got lost, or was no answer."""
    answer = answers.ask(server.address, question.name, question.type, port=port, recursive=recursive)
    if answer.silence:
        return answers.ask(server.address, question.name, question.type, port=port, recursive=recursive)
    if answer.status == "SERVFAIL" and recursive:
        # With checking disabled it answers: then it is the signatures that it refuses (RFC 4035).
        unchecked = answers.ask(
            server.address, question.name, question.type, port=port, recursive=True, checked=False
        )
        return Answer(status="BOGUS") if unchecked.exists is not None else answer
    return answer


def _less_policies_of_others(wanted: Sequence[Expected], servers: Sequence[ServerSeen]) -> Iterator[Expected]:
    """What is expected, without the policies in whose place another's stands, which ``dns.sync`` lets be."""
    for question in wanted:
        said = [one.answers.get((question.name, question.type)) for one in servers]
        answer = next((one for one in said if one and one.exists is not None), None)
        if question.type == "TXT" and answer and not question.values <= answer.values:
            versions = tuple(value.split(";")[0].split()[0].lower() for value in question.values)
            if answer.alias or any(text.lower().startswith(versions) for text in answer.values):
                continue
        yield question


def all_as_expected(servers: Sequence[ServerSeen], wanted: Sequence[Expected]) -> bool:
    """Whether every nameserver that answers at all answers every question as it should."""
    heard = [seen for seen in servers if not any(answer.silence for answer in seen.answers.values())]
    return bool(heard) and all(
        answers.lacking(question, seen.answers.get((question.name, question.type), NOT_ASKED)) is None
        for seen in heard
        for question in wanted
    )


def _keys(zone: str, servers: Iterable[Server], port: int) -> tuple[frozenset[str] | None, str]:
    """The DS of each of the zone's keys, and the one for the registrar."""
    from dns.dnssec import make_ds
    from dns.exception import DNSException
    from dns.rdatatype import DNSKEY

    for server in list(servers)[:3]:
        try:
            answer = answers.exchange(server.address, zone, "DNSKEY", port=port)
        except (DNSException, OSError, EOFError):
            continue
        keys = [rdata for rrset in answer.answer if rrset.rdtype == DNSKEY for rdata in rrset]
        made = {
            answers.canonical_rdata("DS", make_ds(zone + ".", key, digest, validating=True).to_text())
            for key in keys
            for digest in ("SHA1", "SHA256", "SHA384")
        }
        entry = [make_ds(zone + ".", key, "SHA256").to_text() for key in keys if int(key.flags) & 1]
        return frozenset(made), entry[0] if entry else ""
    return None, ""
