"""A certificate is got and renewed by ACME, from Pebble in strict mode, which refuses 10 % of all nonces."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.dns.loopback.nameserver import Nameserver
from tests.lab.cloudflare import Fault
from tests.services.renewal import keys
from tests.services.renewal.world import NAME, OTHER_ZONE, ZONE, World

DAY = timedelta(days=1)


def test_a_first_certificate_is_issued_and_leads_to_the_root(world: World) -> None:
    run = world.renew("--profile", "ordinary")
    assert (run.code, run.error) == (0, "")
    world.verify()
    assert world.challenges() == []
    kept = world.kept()
    assert kept["succeeded"] is True
    assert kept["outcome"] == f"renewed: valid until {world.certificate().not_after:%Y-%m-%d %H:%M} UTC"
    assert kept["account"].startswith(f"https://127.0.0.1:{world.pebble.port}/my-account/")
    due = datetime.fromisoformat(kept["next_due"])
    assert abs(due - (datetime.now(UTC) + 60 * DAY)) < timedelta(minutes=5), "a third of 90 days is left then"


def test_everybody_reads_the_certificate_and_nobody_else_the_account(world: World) -> None:
    assert world.renew().code == 0
    modes = {path.name: path.stat().st_mode & 0o777 for path in (world.path, *world.state.glob("*.*"))}
    assert modes == {"certificate.pem": 0o644, "state.json": 0o644, "account.pem": 0o600}
    assert world.path.parent.stat().st_mode & 0o777 == 0o755


def test_a_second_run_changes_nothing(world: World) -> None:
    assert world.renew("--profile", "ordinary").code == 0
    before = (world.path.read_bytes(), world.path.stat().st_ino, world.path.stat().st_mtime_ns)
    asked = len(world.cloudflare.requests)
    orders = world.pebble.log().count("/order-plz")
    run = world.renew("--profile", "ordinary")
    assert (run.code, run.error) == (0, "")
    assert run.out.startswith("valid until ") and ", due at " in run.out
    assert (world.path.read_bytes(), world.path.stat().st_ino, world.path.stat().st_mtime_ns) == before
    assert {each.method for each in world.cloudflare.requests[asked:]} == {"GET"}
    assert world.pebble.log().count("/order-plz") == orders > 0


def test_a_certificate_is_renewed_when_the_authority_suggests_it(world: World) -> None:
    assert world.renew("--profile", "ordinary").code == 0
    first = world.certificate()
    now = datetime.now(UTC)
    world.pebble.suggest(first.pem, now - 2 * DAY, now - DAY)
    run = world.renew("--profile", "ordinary")
    assert run.code == 0
    assert "a certificate is due: the CA suggests to renew it" in run.out
    assert world.certificate().digest != first.digest
    world.verify()


def test_a_suggestion_for_later_is_kept_and_asked_for_only_when_the_authority_says(world: World) -> None:
    assert world.renew("--profile", "ordinary").code == 0
    moment = datetime.now(UTC).replace(microsecond=0) + 40 * DAY
    world.pebble.suggest(world.certificate().pem, moment, moment)
    assert world.renew("--profile", "ordinary").code == 0
    assert datetime.fromisoformat(world.kept()["next_due"]) == moment
    assert datetime.fromisoformat(world.kept()["ask_after"]) > datetime.now(UTC) + timedelta(hours=5)
    world.pebble.suggest(world.certificate().pem, moment - DAY, moment - DAY)
    assert world.renew("--profile", "ordinary").code == 0
    assert datetime.fromisoformat(world.kept()["next_due"]) == moment


def test_a_fault_of_the_suggestion_stops_no_renewal(world: World) -> None:
    """The certificate is another authority's, for which Pebble answers 400."""
    signer = keys.make_key()
    world.install(keys.certificate(world.key, signer=signer, left=20 * DAY) + keys.authority(signer))
    run = world.renew("--profile", "ordinary")
    assert (run.code, run.error) == (0, "")
    assert "a certificate is due: little of its life is left" in run.out
    world.verify()


def test_nonsense_for_a_suggestion_is_no_failure(world: World) -> None:
    assert world.renew("--profile", "ordinary").code == 0
    for nonsense in ("[]", '{"suggestedWindow": {"start": "never"}}', "<html>"):
        (world.state / "state.json").unlink()  # which says when to ask again
        world.pebble.answer_suggestion(world.certificate().pem, nonsense)
        run = world.renew("--profile", "ordinary")
        assert (run.code, run.error) == (0, ""), nonsense
        assert "the CA suggested no time" in run.out


def test_a_certificate_that_has_expired_is_replaced(world: World) -> None:
    """The profile gives a life of 30 seconds, and the test waits for its real end."""
    assert world.renew("--profile", "moment").code == 0
    first = world.certificate()
    assert first.life <= timedelta(seconds=31)
    while datetime.now(UTC) <= first.not_after:
        time.sleep(0.2)
    run = world.renew("--profile", "moment")
    assert run.code == 0
    assert "a certificate is due: the certificate expired at " in run.out
    assert world.certificate().not_after > first.not_after
    world.verify()


def test_another_profile_or_key_or_name_is_ordered_at_once(world: World) -> None:
    assert world.renew("--profile", "ordinary").code == 0
    run = world.renew("--profile", "short")
    assert "a certificate is due: the certificate has the profile ordinary" in run.out
    assert world.certificate().life < 7 * DAY
    old, world.key = world.path, keys.make_key()
    world.request.write_bytes(keys.request(world.key, NAME))
    run = world.renew("--profile", "short")
    assert (run.code, old.exists()) == (0, True), "the certificate of the key before stays for a rollback"
    assert world.path != old
    world.verify()
    world.request.write_bytes(keys.request(world.key, "mx2.example.test"))
    run = world.renew("--profile", "short")
    assert f"a certificate is due: the certificate is for {NAME}" in run.out
    assert world.certificate().names == ("mx2.example.test",)


def test_a_self_signed_certificate_is_replaced(world: World) -> None:
    world.install(keys.certificate(world.key, (NAME,), life=3650 * DAY, left=3600 * DAY))
    run = world.renew()
    assert (run.code, "the certificate is self-signed" in run.out) == (0, True)
    world.verify()


def test_the_certificate_stays_where_the_state_was_lost(world: World) -> None:
    """Who loses the state in a loop must not use up the authority's limit on equal certificates."""
    assert world.renew("--profile", "ordinary").code == 0
    before = world.certificate()
    for content in ("", "[1]", '{"at": 5, "succeeded": "yes", "digest": null, "retry_after": "2026"}'):
        (world.state / "state.json").write_text(content)
        assert world.renew("--profile", "ordinary").code == 0, content
        assert world.certificate() == before
    (world.state / "state.json").unlink()
    assert world.renew("--profile", "ordinary").code == 0
    assert world.certificate() == before


def test_an_account_that_the_authority_has_forgotten_is_made_again(world: World) -> None:
    assert world.renew("--profile", "ordinary").code == 0
    account = (world.state / "account.pem").read_bytes()
    world.pebble.stop()
    world.pebble.start()
    run = world.renew("--profile", "short")
    assert (run.code, run.error) == (0, "")
    assert (world.state / "account.pem").read_bytes() == account
    world.verify()


def test_several_names_are_proved_in_one_order(world: World) -> None:
    names = (NAME, "mail.example.test")
    world.request.write_bytes(keys.request(world.key, *names))
    assert world.renew().code == 0
    assert set(world.certificate().names) == set(names)
    assert world.challenges() == []


def test_an_alias_leads_the_challenge_into_another_zone(world: World, tmp_path: Path) -> None:
    """The token may change the throw-away zone only: not the one with the mail host."""
    target = f"mx1.{OTHER_ZONE}"
    world.cloudflare.seed(ZONE, {"type": "CNAME", "name": f"_acme-challenge.{NAME}", "content": target})
    token = tmp_path / "token"
    token.write_text("throwaway-token-0123456789")
    world.cloudflare.add_token(token.read_text(), zones=[OTHER_ZONE])
    there = world.cloudflare.zones[OTHER_ZONE].id
    before = world.cloudflare.records(ZONE)
    with Nameserver(world.folder / "ns2", {}, recursive=True) as resolver:
        world.pebble.stop()
        world.pebble.dns = f"{resolver.address}:{resolver.port}"
        world.pebble.start()
        run = world.renew("--zone", OTHER_ZONE, "--zone-id", there, "--token", str(token))
    assert (run.code, run.error) == (0, "")
    assert f"published a challenge at {target}" in run.out
    world.verify()
    assert world.cloudflare.records(ZONE) == before
    assert world.challenges(OTHER_ZONE) == []


def test_older_challenges_of_ours_are_removed_first_and_others_stay(world: World) -> None:
    name = f"_acme-challenge.{NAME}"
    ours, theirs = "letterbox-certificate", "certbot"
    world.cloudflare.seed(
        ZONE,
        {"type": "TXT", "name": name, "content": '"left by a killed run"', "comment": ours},
        {"type": "TXT", "name": name, "content": '"of somebody else"', "comment": theirs},
        {"type": "TXT", "name": f"_acme-challenge.mx2.{ZONE}", "content": '"another host"', "comment": ours},
    )
    run = world.renew()
    assert (run.code, f"removed an older challenge at {name}" in run.out) == (0, True)
    assert [each["content"] for each in world.cloudflare.records(ZONE)] == [
        '"of somebody else"',
        '"another host"',
    ]


def test_a_lost_answer_of_cloudflare_is_made_good(world: World) -> None:
    for kind in ("cut_after", "cut_during", "cut_before"):
        world.cloudflare.fail_next(Fault("cut_before", on="/dns_records"))
        world.cloudflare.fail_next(Fault(kind, on="/dns_records"))  # type: ignore[arg-type]
        assert world.renew("--profile", "short" if kind == "cut_during" else "ordinary").code == 0, kind
        assert world.challenges() == []
