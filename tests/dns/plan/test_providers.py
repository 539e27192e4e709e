"""One option leaves a mail provider. Everything else in the way is still refused."""

from __future__ import annotations

import pytest

from dns.plan import Replacing, plan
from dns.plan.providers import KNOWN, parse_provider, provider_of
from dns.records import Record
from tests.dns.example import WANTED as SYNCED
from tests.dns.example import Run, only_line, values
from tests.dns.plan.example import MX, WANTED, A, there
from tests.lab.cloudflare import StandIn

GOOGLE = (
    ("aspmx.l.google.com", 1),
    ("alt1.aspmx.l.google.com", 5),
    ("alt2.aspmx.l.google.com", 5),
    ("alt3.aspmx.l.google.com", 10),
    ("aspmx2.googlemail.com", 10),
)
SPF = "v=spf1 include:_spf.google.com ~all"


def google(cloudflare: StandIn) -> None:
    """A domain at Google Workspace."""
    cloudflare.seed(
        "example.test",
        *({"type": "MX", "name": "@", "content": target, "priority": of} for target, of in GOOGLE),
        {"type": "TXT", "name": "@", "content": SPF},
    )


@pytest.mark.parametrize("name", ["google", "Google", "Google Workspace", "google  workspace"])
def test_one_option_leaves_google_workspace(cloudflare: StandIn, run: Run, name: str) -> None:
    google(cloudflare)
    assert run("--replace-provider", name)[0] == 0
    assert values(cloudflare) == SYNCED | {("TXT", "example.test", SPF, None)}


def test_the_error_offers_one_option_and_names_every_record_once(cloudflare: StandIn, run: Run) -> None:
    google(cloudflare)
    line = only_line(run())
    assert line.endswith("run python -m dns.sync example.test --replace-provider google")
    assert line.count("--replace-provider google") == 1
    for target, priority in GOOGLE:
        assert line.count(f"MX {priority} {target}") == 1


def test_what_is_not_the_providers_is_still_refused(cloudflare: StandIn, run: Run) -> None:
    google(cloudflare)
    cloudflare.seed("example.test", {"type": "MX", "name": "@", "content": "backup.test", "priority": 99})
    before = cloudflare.records("example.test")
    line = only_line(run("--replace-provider", "google"))
    assert line.endswith(
        "run python -m dns.sync example.test --replace-provider google --replace-mx backup.test"
    )
    assert "aspmx" not in line
    assert cloudflare.records("example.test") == before
    assert run("--replace-provider", "google", "--replace-mx", "backup.test")[0] == 0


def test_several_kinds_of_obstacles_are_replaced_by_one_command(cloudflare: StandIn, run: Run) -> None:
    google(cloudflare)
    cloudflare.seed(
        "example.test",
        {"type": "MX", "name": "@", "content": "backup.test", "priority": 99},
        {"type": "A", "name": "mx1", "content": "192.0.2.9"},
    )
    command = only_line(run()).partition("run python -m dns.sync example.test ")[2]
    assert command.split() == [
        "--replace-provider",
        "google",
        "--replace-mx",
        "backup.test",
        "--replace-address",
        "192.0.2.9",
    ]
    assert run(*command.split())[0] == 0


def test_an_obstacle_is_printed_once(cloudflare: StandIn, run: Run) -> None:
    google(cloudflare)
    _, out, err = run()
    assert (out + err).count("MX 1 aspmx.l.google.com") == 1


def test_leaving_it_can_be_undone(cloudflare: StandIn, run: Run) -> None:
    google(cloudflare)
    before = values(cloudflare)
    run("--replace-provider", "google")
    code, out, _ = run("--undo")
    stays = {("A", "mx1.example.test", "198.18.0.25", None), ("AAAA", "mx1.example.test", "fd00::25", None)}
    assert (code, values(cloudflare)) == (0, before | stays), (
        "a sender may have our MX, and comes for a while"
    )
    assert "mx1.example.test A 198.18.0.25 (ours, stays until 20" in out


def test_an_alias_to_the_provider_goes_with_it() -> None:
    alias = Record("CNAME", A.name, "ghs.googlehosted.com")
    (obstacle,) = plan("e.test", "e.test", WANTED, there(MX, alias)).obstacles
    assert obstacle.option == ("--replace-provider", "google")
    freed = plan("e.test", "e.test", WANTED, there(MX, alias), Replacing(providers=frozenset({"google"})))
    assert [held.record for held in freed.deletes] == [alias]


def test_a_record_of_the_provider_that_is_read_only_stays_in_the_way() -> None:
    mx = Record("MX", "e.test", "aspmx.l.google.com", 1)
    everything = Replacing(providers=frozenset(KNOWN), mx=frozenset({mx.content}))
    made = plan("e.test", "e.test", WANTED, there(mx, locked=True), everything)
    assert (len(made.obstacles), made.deletes) == (1, ())


@pytest.mark.parametrize(
    ("target", "provider"),
    [
        ("aspmx.l.google.com", "google"),
        ("smtp.google.com", "google"),
        ("example-com.mail.protection.outlook.com", "microsoft"),
        ("example-com.p-v1.mx.microsoft", "microsoft"),
        ("mail.protonmail.ch", "proton"),
        ("in1-smtp.messagingengine.com", "fastmail"),
        ("mx.zoho.eu", "zoho"),
        ("mx01.mail.icloud.com", "icloud"),
        ("inbound-smtp.eu-west-1.amazonaws.com", "amazon"),
        ("notgoogle.com", None),
        ("google.com.evil.test", None),
        (".", None),
        ("", None),
    ],
)
def test_targets_are_known_by_their_domain(target: str, provider: str | None) -> None:
    assert provider_of(target) == provider


def test_no_target_belongs_to_two_providers() -> None:
    domains = [domain for provider in KNOWN.values() for domain in provider.domains]
    assert [provider_of(domain) for domain in domains] == [
        name for name, provider in KNOWN.items() for _ in provider.domains
    ]


def test_an_unknown_provider_is_reported_with_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match=r"'gogle' is not a known provider .*did you mean google\?.*--replace-mx.*zoho"
    ):
        parse_provider("gogle")
