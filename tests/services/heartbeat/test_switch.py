"""The requests that the services read, by the form of their addresses."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from services.heartbeat.findings import Finding, is_well, reason, report
from services.heartbeat.switch import Ping, Switch, parse_switch

UUID = "3b5c2f5e-0000-4000-8000-5ec2e7a1b2c3"
REPORT = "NOT WELL disk: 1 MB left\nok port 25: taken\n"


@pytest.mark.parametrize(
    "url",
    [
        f"https://hc-ping.com/{UUID}",
        "https://hc-ping.com/2a1b3c4d5e/mail-host",
        f"https://checks.example.com/ping/{UUID}",
        f"https://hc-ping.com/{UUID}/",
    ],
)
def test_healthchecks_gets_a_failure_at_an_address_of_its_own(url: str) -> None:
    switch = parse_switch(url)
    assert switch.ping(REPORT, well=True) == Ping(url, REPORT)
    assert switch.ping(REPORT, well=False) == Ping(f"{url.rstrip('/')}/fail", REPORT)


def test_uptime_kuma_gets_its_status_in_the_query() -> None:
    switch = parse_switch("https://kuma.example.com/api/push/T0ken?status=up&msg=OK&ping=&tag=a")
    for well, status in ((True, "up"), (False, "down")):
        ping = switch.ping(REPORT, well=well)
        assert ping is not None and ping.body is None
        parts = urlsplit(ping.url)
        assert (parts.hostname, parts.path) == ("kuma.example.com", "/api/push/T0ken")
        assert parse_qs(parts.query) == {
            "status": [status],
            "msg": ["NOT WELL disk: 1 MB left | ok port 25: taken"],
            "tag": ["a"],
        }


def test_cronitor_gets_its_state_in_the_query() -> None:
    switch = parse_switch("https://cronitor.link/p/key/mail")
    for well, state in ((True, "complete"), (False, "fail")):
        ping = switch.ping(REPORT, well=well)
        assert ping is not None and ping.body is None
        assert parse_qs(urlsplit(ping.url).query)["state"] == [state]
        assert parse_qs(urlsplit(ping.url).query)["message"][0].startswith("NOT WELL disk")


def test_a_report_in_an_address_is_bounded() -> None:
    ping = parse_switch("https://cronitor.link/p/key/mail").ping("ä" * 100_000, well=True)
    assert ping is not None and len(ping.url) < 8000


def test_any_other_switch_is_told_a_failure_by_silence_or_where_the_user_says() -> None:
    assert parse_switch("https://nosnch.in/c2354d53d2").ping(REPORT, well=False) is None
    switch = parse_switch("https://nosnch.in/c2354d53d2\nhttps://alarm.example.com/mail")
    assert switch.ping(REPORT, well=False) == Ping("https://alarm.example.com/mail", REPORT)
    assert switch.ping(REPORT, well=True) == Ping("https://nosnch.in/c2354d53d2", REPORT)


def test_the_address_is_not_printed() -> None:
    switch = Switch("https://hc-ping.com/secret")
    assert "secret" not in f"{switch!r} {switch.ping(REPORT, well=True)!r}"


def test_only_what_was_seen_to_be_well_is_well() -> None:
    good, bad, unknown = (Finding("disk", well, "words") for well in (True, False, None))
    assert is_well([good])
    assert not is_well([]) and not is_well([good, unknown]) and not is_well([good, bad])
    assert report([good, unknown]) == "UNKNOWN disk: words\nok disk: words\n"
    assert reason([good, bad]) == "NOT WELL disk: words"
    assert reason([good]) == "ok disk: words"


def test_a_finding_is_one_line_whatever_a_server_said() -> None:
    line = Finding("port 25", False, "550 no\r\nok disk: all\x1b[2J is well" + "x" * 1000).line()
    assert "\n" not in line and "\x1b" not in line and len(line) < 400
