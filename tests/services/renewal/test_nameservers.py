"""A challenge is answered only when every nameserver of the zone has it."""

from __future__ import annotations

import signal

from tests.services.renewal.world import NS2, World


def test_a_nameserver_that_lags_is_waited_for(world: World) -> None:
    """Pebble asks the nameserver that lags, so an answer that came too early would fail."""
    world.lag()
    with world.start("--profile", "ordinary") as run:
        assert run.stdout is not None
        lines: list[str] = []
        for line in iter(run.stdout.readline, ""):
            lines.append(line)
            if line.startswith("waiting: "):
                break
        assert f"waiting: ns2.cloudflare.test ({NS2}) does not have the record" in lines[-1]
        assert "/chalZ/" not in world.pebble.log(), "nothing was answered yet"
        world.catch_up()
        out, error = run.communicate(timeout=300)
    assert (run.returncode, error) == (0, "")
    assert "one more order" not in out
    world.verify()


def test_a_nameserver_that_never_gets_it_costs_no_failed_validation(world: World) -> None:
    world.lag()
    run = world.renew("--dns-seconds", "1")
    assert run.code == 1
    assert f"the nameserver ns2.cloudflare.test ({NS2}) does not have the record" in run.error
    assert "after 1 s (1 of 2 addresses): the CA was not asked to look" in run.error
    assert world.challenges() == []
    assert "/chalZ/" not in world.pebble.log()
    assert world.pebble.log().count("/order-plz") >= 1


def test_nameservers_that_do_not_answer_are_no_success(world: World) -> None:
    run = world.renew("--dns-seconds", "1", "--nameserver-port", "9")
    assert (run.code, "did not answer" in run.error, world.challenges()) == (1, True, [])


def test_a_resolver_that_does_not_answer_is_no_success(world: World) -> None:
    run = world.renew("--resolver", "127.84.0.9#9")
    assert run.code == 1
    assert "it cannot be looked up where _acme-challenge.mx1.example.test leads" in run.error


def test_a_run_that_is_told_to_end_removes_its_challenge(world: World) -> None:
    world.lag()
    with world.start() as run:
        assert run.stdout is not None
        assert any("waiting: " in line for line in iter(run.stdout.readline, ""))
        assert len(world.challenges()) == 1
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=300)
    assert run.returncode == 143
    assert world.challenges() == []
