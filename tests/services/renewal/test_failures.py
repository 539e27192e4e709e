"""What goes wrong is said in one line, and the certificate in use stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.services.renewal import keys
from tests.services.renewal.gateway import Gateway, Refusal
from tests.services.renewal.world import OTHER_ZONE, ZONE, Run, World

DAY = timedelta(days=1)
USED = 20 * DAY  # what is left of 90 days when a certificate is due, and nobody is warned yet


@pytest.fixture
def due(world: World) -> Callable[..., Run]:
    """A run in which a certificate is due, and which fails. Its one line is returned, and nothing is left."""
    signer = keys.make_key()
    world.install(keys.certificate(world.key, signer=signer, left=USED) + keys.authority(signer))
    before = world.path.read_bytes()

    def run(*arguments: str) -> Run:
        done = world.renew(*arguments)
        assert done.code == 1
        assert len(done.error.splitlines()) == 1, done.error
        assert done.error.startswith("letterbox-certificate: ")
        assert world.path.read_bytes() == before
        assert world.challenges() == []
        return done

    return run


def test_an_authority_that_is_down_takes_nothing_away(world: World, due: Callable[..., Run]) -> None:
    world.pebble.stop()
    run = due()
    assert f"the CA ({world.pebble.directory}) cannot be reached (Connection refused)" in run.error
    assert world.kept()["succeeded"] is False
    assert world.kept()["outcome"] in run.error
    world.pebble.start()
    assert world.renew().code == 0
    world.verify()


def test_an_authority_that_is_down_is_no_failure_as_long_as_nothing_is_due(world: World) -> None:
    assert world.renew("--profile", "ordinary").code == 0
    (world.state / "state.json").unlink()
    world.pebble.stop()
    run = world.renew("--profile", "ordinary")
    assert (run.code, run.error) == (0, "")
    assert "; the CA (" in run.out and "cannot be reached" in run.out


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("{base}/nothing", "is not the URL of an ACME directory (HTTP 404)"),
        ("{management}/roots/0", "is not the URL of an ACME directory"),
        ("http://example.test/dir", "is not the URL of an ACME directory, which begins with https://"),
        ("letsencript", "is not the URL of an ACME directory, which begins with https://"),
        ("https://", "cannot be reached"),
        ("https://nowhere.invalid/dir", "cannot be reached"),
    ],
)
def test_a_directory_that_is_none(world: World, due: Callable[..., Run], url: str, said: str) -> None:
    base = world.pebble.directory.removesuffix("/dir")
    management = f"https://127.0.0.1:{world.pebble.management_port}"
    assert said in due("--ca", url.format(base=base, management=management)).error


def test_an_authority_that_is_not_trusted(world: World, due: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(keys.authority(keys.make_key()))
    said = due("--trust", str(tmp_path / "other.pem")).error
    assert "cannot be reached (self-signed certificate)" in said
    assert "this host's clock says " in said


def test_a_profile_that_the_authority_does_not_know(world: World, due: Callable[..., Run]) -> None:
    run = due("--profile", "tlserver")
    assert "the CA does not know the profile tlserver (it offers: moment, ordinary, short)" in run.error
    assert "/order-plz" not in world.pebble.log()


@pytest.mark.parametrize(
    ("token", "rights", "said"),
    [
        ("unknown-token-0123456789", None, "9109 Invalid access token): the token is not valid, has expired"),
        (
            "reading-token-0123456789",
            {"edit": False},
            "10000 Authentication error): the token may not change",
        ),
        (
            "another-token-0123456789",
            {"zones": [OTHER_ZONE]},
            "10000 Authentication error): the token may not",
        ),
        (
            "elsewhere-token-01234567",
            {"here": False},
            "the token's filter of client addresses leaves this host",
        ),
        ("short", None, "does not hold a token of Cloudflare"),
        ("two lines\nof text, no token", None, "does not hold a token of Cloudflare"),
    ],
)
def test_a_token_that_does_not_do(
    world: World, tmp_path: Path, due: Callable[..., Run], token: str, rights: dict[str, object], said: str
) -> None:
    (tmp_path / "token").write_text(token)
    if rights is not None:
        world.cloudflare.add_token(token, **rights)  # type: ignore[arg-type]
    run = due("--token", str(tmp_path / "token"))
    assert said in run.error
    assert token not in run.error + run.out
    if token != "reading-token-0123456789":
        assert "/order-plz" not in world.pebble.log(), "it is found out before an order is begun"


def test_a_token_that_is_withdrawn_is_noticed_before_a_certificate_is_due(world: World) -> None:
    assert world.renew("--profile", "ordinary").code == 0
    del world.cloudflare.api.tokens[world.cloudflare.token]
    run = world.renew("--profile", "ordinary")
    assert (run.code, "9109" in run.error) == (1, True)


def test_a_zone_of_another_identifier_and_a_name_outside_the_zone(
    world: World, due: Callable[..., Run]
) -> None:
    assert "10000 Authentication error" in due("--zone-id", "0" * 32).error
    other = world.cloudflare.zones[OTHER_ZONE].id
    said = due("--zone", OTHER_ZONE, "--zone-id", other).error
    assert f"_acme-challenge.mx1.{ZONE} is a name that is not in the zone {OTHER_ZONE}" in said
    world.cloudflare.seed(
        ZONE, {"type": "CNAME", "name": "_acme-challenge.mx1", "content": f"x.{OTHER_ZONE}"}
    )
    assert f"leads to x.{OTHER_ZONE}, which is not in the zone {ZONE}" in due().error


def test_no_request_no_folder_and_no_token(world: World, tmp_path: Path) -> None:
    for arguments, said in (
        (
            ("--request", str(tmp_path / "none.pem")),
            "cannot be read (No such file or directory): deploy again",
        ),
        (("--request", str(world.folder / "token")), "is not a certificate request"),
        (
            ("--token", str(tmp_path / "none")),
            "cannot be read (No such file or directory): deploy with a token",
        ),
        (("--state", str(tmp_path / "none")), "cannot be opened (No such file or directory)"),
        (("--trust", str(tmp_path / "none")), "is missing"),
    ):
        run = world.renew(*arguments)
        assert (run.code, len(run.error.splitlines())) == (1, 1), run.error
        assert said in run.error


@pytest.mark.parametrize(("ahead", "said"), [(86400, "24 h behind"), (-86400, "24 h ahead of")])
def test_a_clock_that_is_off_by_a_day(world: World, due: Callable[..., Run], ahead: float, said: str) -> None:
    with Gateway(world.pebble.port, *keys_of(world), ahead=ahead) as gateway:
        run = due("--ca", gateway.directory)
    assert f"UTC) is {said} the CA's: set it (timedatectl set-ntp true)" in run.error
    assert gateway.asked == ["/dir"]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_an_authority_that_asks_to_wait_is_not_asked_before(
    world: World, due: Callable[..., Run], form: str
) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    after = "10800" if form == "seconds" else format_datetime(until, usegmt=True)
    refusal = Refusal(429, "rateLimited", "too many certificates", (("Retry-After", after),))
    with Gateway(world.pebble.port, *keys_of(world)) as gateway:
        gateway.refuse = lambda path: refusal if path == "/order-plz" else None
        said = due("--ca", gateway.directory).error
        assert "the CA refused (rateLimited: too many certificates; it asks to wait until " in said
        kept = datetime.fromisoformat(world.kept()["retry_after"])
        assert abs(kept - until) < timedelta(minutes=1)
        assert gateway.asked.count("/order-plz") == 1, "no second order in this run"
        gateway.asked.clear()
        for _ in range(2):
            said = due("--ca", gateway.directory).error
            assert said.count("too many certificates") == 1
            assert f"the CA asked to wait until {kept:%Y-%m-%d %H:%M} UTC" in said
        assert gateway.asked == []
    assert world.renew().code == 0, "another CA has not asked to wait"


def test_nonces_that_are_refused_again_and_again_are_no_failure(world: World) -> None:
    """A refused nonce says nothing about the request (RFC 8555, 6.5)."""
    times: Counter[str] = Counter()

    def refuse(path: str) -> Refusal | None:
        times[path] += path.count("/order-plz") + path.count("/finalize-order")
        return Refusal(400, "badNonce") if 0 < times[path] < 5 else None

    with Gateway(world.pebble.port, *keys_of(world), refuse) as gateway:
        run = world.renew("--ca", gateway.directory)
    assert (run.code, run.error) == (0, "")
    assert times["/order-plz"] >= 5
    world.verify()


def test_a_validation_that_fails_is_tried_once_more_and_never_a_third_time(
    world: World, due: Callable[..., Run]
) -> None:
    """Pebble asks a nameserver that answers nothing for the zone, while those of the zone do answer."""
    world.pebble.stop()
    world.pebble.dns = f"127.84.0.3:{world.port}"
    world.pebble.start()
    with Gateway(world.pebble.port, *keys_of(world)) as gateway:
        run = due("--ca", gateway.directory)
    assert run.out.count("ordered a certificate") == 2
    assert f"mx1.{ZONE}: the CA refused (" in run.error
    assert "one more order in 0 s" in run.out


def test_two_runs_at_once_are_not_possible(world: World) -> None:
    world.lag()
    with world.start("--profile", "ordinary") as first:
        assert first.stdout is not None
        assert any("waiting: " in line for line in iter(first.stdout.readline, ""))
        run = world.renew()
        assert (run.code, "another run works in" in run.error) == (1, True)
        world.catch_up()
        first.communicate(timeout=300)
    assert first.returncode == 0


def keys_of(world: World) -> tuple[Path, Path]:
    """The certificate and key of an HTTPS server that the runs trust."""
    return world.pebble.trust, world.folder / "https.key"
