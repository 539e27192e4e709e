"""The configuration: every problem is named, all at once."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from receiver.__main__ import main
from receiver.config.load import ConfigError, from_table, load
from receiver.config.values import Limits, SenderChecks

GOOD = """
hostname = "mx1.example.com"
mail = "/var/lib/letterbox/mail"
workers = 64
[tls]
certificate = "/etc/letterbox/tls/certificate.pem"
key = "/etc/letterbox/tls/key.pem"
[limits]
message_size = 1000
[domains."example.com"]
mailboxes = ["alice", "bob"]
aliases = { postmaster = ["alice"], team = ["alice", "boss@example.net"] }
subaddress_separators = "+"
[domains."example.net"]
mailboxes = ["carol"]
aliases = { boss = ["carol", "alice@example.com"] }
"""
SMALL = 'hostname = "mx.test"\nmail = "/m"\n'
CHECKS = '[checks]\nresolver = "/run/resolver"\n'
REJECT = "reject_forged = "
DOMAIN = '[domains."a.test"]\nmailboxes = ["alice"]\n'


def test_a_whole_configuration_is_read() -> None:
    config = from_table(tomllib.loads(GOOD), "x")
    assert config.hostname == "mx1.example.com"
    assert config.mail == Path("/var/lib/letterbox/mail")
    assert config.tls and config.tls.key == Path("/etc/letterbox/tls/key.pem")
    assert config.limits == Limits(message_size=1000)
    assert config.workers == 64
    com, net = config.domains
    assert com.mailboxes == frozenset({"alice", "bob"})
    assert [str(box) for box in com.aliases["team"]] == ["alice@example.com", "carol@example.net"]
    assert [str(box) for box in net.aliases["boss"]] == ["carol@example.net", "alice@example.com"]


def test_senders_are_checked_only_if_the_table_is_there() -> None:
    assert from_table(tomllib.loads(SMALL + DOMAIN), "x").checks is None
    config = from_table(tomllib.loads(SMALL + CHECKS + DOMAIN), "x")
    assert config.checks == SenderChecks(Path("/run/resolver"), 5, ())
    assert not config.domains[0].rejects_forged
    text = (
        SMALL
        + CHECKS
        + 'deadline = 2\nnames = ["mx1.test", "mx2.test"]\n'
        + DOMAIN
        + "reject_forged = true\n"
    )
    config = from_table(tomllib.loads(text), "x")
    assert config.checks == SenderChecks(Path("/run/resolver"), 2, ("mx1.test", "mx2.test"))
    assert config.domains[0].rejects_forged


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (DOMAIN, "hostname: missing"),
        ('hostname = "mx.test"\n' + DOMAIN, "mail: missing"),
        (SMALL, "domains: no domain"),
        ('hostname = 5\nmail = "/m"\n' + DOMAIN, "hostname: must be a string, not 5"),
        ('hostname = "a b"\nmail = "/m"\n' + DOMAIN, "hostname: 'a b' is not a domain name"),
        ('hostname = "mx.test"\nmail = "m"\n' + DOMAIN, "mail: must be an absolute path"),
        (SMALL + "mial = 1\n" + DOMAIN, "mial: unknown key; did you mean mail?"),
        (SMALL + "[checks]\n" + DOMAIN, "checks.resolver: missing"),
        (SMALL + '[checks]\nresolver = "r"\n' + DOMAIN, "checks.resolver: must be an absolute path"),
        (SMALL + CHECKS + "deadline = 0\n" + DOMAIN, "checks.deadline: must be from 1 to 60 seconds, not 0"),
        (SMALL + CHECKS + "deadline = 0.5\n" + DOMAIN, "checks.deadline: must be a whole number, not 0.5"),
        (SMALL + CHECKS + 'names = ["MX.test"]\n' + DOMAIN, "checks.names: write it in lower case"),
        (SMALL + CHECKS + 'name = "mx.test"\n' + DOMAIN, "checks.name: unknown key; did you mean names?"),
        (SMALL + DOMAIN + REJECT + "true\n", 'domains."a.test".reject_forged: needs the table [checks]'),
        (SMALL + CHECKS + DOMAIN + REJECT + "1\n", 'domains."a.test".reject_forged: must be true or false'),
        (SMALL + "workers = 0\n" + DOMAIN, "workers: must be from 1 to 64, not 0"),
        (SMALL + "workers = 65\n" + DOMAIN, "workers: must be from 1 to 64, not 65"),
        (SMALL + 'workers = "2"\n' + DOMAIN, "workers: must be a whole number, not '2'"),
        (SMALL + "log_headers = 1\n" + DOMAIN, "log_headers: must be true or false, not 1"),
        (SMALL + "workers = true\n" + DOMAIN, "workers: must be a whole number, not True"),
        (
            f'hostname = "{".".join(["x" * 60] * 4)}"\nmail = "/m"\n' + DOMAIN,
            "hostname: has 243 octets, more than 200",
        ),
        (SMALL + 'addresses = ["x"]\n' + DOMAIN, "addresses: 'x' is not an IP address"),
        (SMALL + '[tls]\ncertificate = "/c"\n' + DOMAIN, "tls.key: missing"),
        (SMALL + "[limits]\nmessage_sise = 1\n" + DOMAIN, "message_sise: unknown key; di"),
        (SMALL + "[limits]\nerrors = 0\n" + DOMAIN, "limits.errors: must be at least 1"),
        (SMALL + "[limits]\nerrors = true\n" + DOMAIN, "limits.errors: must be a whole number"),
        (SMALL + '[domains."A.test"]\nmailboxes = ["a"]\n', 'domains."A.test": write it in lower case'),
        (SMALL + '[domains."bücher.test"]\nmailboxes = ["a"]\n', "'xn--bcher-kva.test'"),
        (SMALL + '[domains."a b"]\nmailboxes = ["a"]\n', "is not a domain name"),
        (SMALL + '[domains."a.test"]\nmailboxes = []\n', "mailboxes: no mailbox"),
        (SMALL + '[domains."a.test"]\nmailboxes = ["../x"]\n', "'../x' cannot be a mailbox's name"),
        (SMALL + '[domains."a.test"]\nmailboxes = "alice"\n', "must be a list of strings"),
        (SMALL + DOMAIN + 'catch_all = "bob"\n', "catch_all: 'bob' is not a mailbox"),
        (SMALL + DOMAIN + 'subaddress_separators = "x"\n', "must be punctuation"),
        (SMALL + DOMAIN + 'aliases = { x = ["y"] }\n', "'y' is neither a mailbox nor an alias"),
        (SMALL + DOMAIN + 'aliases = { x = ["a@b.test"] }\n', "is not at a domain served here"),
        (SMALL + DOMAIN + 'aliases = { x = ["y"], y = ["x"] }\n', "loops: x@a.test -> y@a.test -> x@a.test"),
        (SMALL + DOMAIN + "aliases = { x = [] }\n", "goes nowhere"),
        (SMALL + DOMAIN + 'aliases = { alice = ["alice"] }\n', "is also a mailbox"),
    ],
)  # fmt: skip
def test_a_problem_is_named(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_table(tomllib.loads(text), "letterbox.toml")
    assert any(problem in each for each in caught.value.problems), caught.value.problems


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        from_table(tomllib.loads('hostname = 1\nx = 2\n[limits]\nerrors = "a"\n' + DOMAIN), "letterbox.toml")
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "x",
        "hostname",
        "mail",
        "limits.errors",
    ]
    assert str(caught.value).startswith("letterbox.toml: ")


def test_a_missing_file_and_a_file_that_is_not_toml_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent.toml: no such file: deploy to this host"):
        load(tmp_path / "absent.toml")
    (tmp_path / "bad.toml").write_text("hostname = \n")
    with pytest.raises(ConfigError, match=r"bad.toml: is not TOML: .*line 1"):
        load(tmp_path / "bad.toml")


def test_check_says_good_or_why_not(
    tmp_path: Path, certificate: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "letterbox.toml"
    tls = f'[tls]\ncertificate = "{certificate[0]}"\nkey = "{certificate[1]}"\n'
    config.write_text(SMALL + tls + DOMAIN)
    assert main(["check", "--config", str(config)]) == 0
    assert "good" in capsys.readouterr().out
    config.write_text(SMALL + tls.replace("key.pem", "absent.pem") + DOMAIN)
    assert main(["check", "--config", str(config)]) == 78
    assert "absent.pem: No such file" in capsys.readouterr().err
    config.write_text(SMALL + tls.replace("key.pem", "certificate.pem") + DOMAIN)
    assert main(["check", "--config", str(config)]) == 78
    assert "cannot be used" in capsys.readouterr().err
    config.write_text(SMALL + "nonsense = 1\n" + DOMAIN)
    assert main(["check", "--config", str(config)]) == 78
    assert f"{config}: nonsense: unknown key" in capsys.readouterr().err
