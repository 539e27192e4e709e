"""bucket.toml and the key pair: every problem, and no secret in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.bucket import configuration, credentials
from services.bucket.command import main
from services.bucket.errors import BucketError

HTTPS = "https://account.r2.cloudflarestorage.com/mail"


def test_a_url_is_endpoint_bucket_and_prefix() -> None:
    url = configuration.parse({"urls": [f"{HTTPS}/my/host"]}).urls[0]
    assert (url.endpoint, url.port) == ("https://account.r2.cloudflarestorage.com", 443)
    assert (url.bucket, url.prefix) == ("mail", "my/host/")
    assert str(url) == f"{HTTPS}/my/host"
    plain = configuration.parse({"urls": [f"{HTTPS}/"], "region": "eu-west-1"})
    assert plain.urls[0].prefix == "" and plain.region == "eu-west-1"
    local = configuration.parse({"urls": ["http://[::1]:8333/mail"], "allow_http": True}).urls[0]
    assert (local.endpoint, local.host, local.port) == ("http://[::1]:8333", "::1", 8333)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "at least one"),
        ({"urls": []}, "at least one"),
        ({"urls": [HTTPS], "prefix": "x"}, "unknown key"),
        ({"urls": HTTPS}, "must be a list"),
        ({"urls": ["http://host.example/mail"]}, "https://"),
        ({"urls": ["https://host.example/"]}, "must name a bucket"),
        ({"urls": ["https://host.example/mail?x"]}, "must not have ?"),
        ({"urls": ["https://host.example/mail/../x"]}, "prefix"),
        ({"urls": ["https://host.example/mail//x"]}, "prefix"),
        ({"urls": ["https://host.example:0/mail"]}, "malformed"),
        ({"urls": ["https://ho st/mail"]}, "malformed"),
        ({"urls": ["https://host..example/mail"]}, "malformed"),
        ({"urls": [f"https://{'a' * 64}.example/mail"]}, "malformed"),
        ({"urls": [HTTPS, "https://other.example/post"]}, "one store"),
        ({"urls": [HTTPS], "region": "a b"}, "region"),
    ],
)
def test_a_problem_is_said(table: dict[str, Any], said: str) -> None:
    with pytest.raises(BucketError, match=said):
        configuration.parse(table)


def test_a_key_in_a_url_is_refused_and_not_shown() -> None:
    with pytest.raises(BucketError) as refused:
        configuration.parse({"urls": ["https://key:hidden@host.example/mail"]})
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    "octets", [b"", b"hidden\n", b"hidden\n\xff\n", b"hidden a b\n", b"x" * 600 + b"\nhidden"]
)
def test_a_key_pair_that_is_none_is_refused_and_not_shown(octets: bytes) -> None:
    with pytest.raises(BucketError, match="AWS_ACCESS_KEY_ID") as refused:
        credentials.parse(octets, "bucket")
    assert "hidden" not in str(refused.value)


def test_a_key_pair_is_not_in_its_repr() -> None:
    pair = credentials.parse(b"AKID\nhidden\n", "bucket")
    assert (pair.access_key_id, pair.secret) == ("AKID", "hidden")
    assert "hidden" not in repr(pair) and "AKID" not in repr(pair)


def test_the_command_says_what_is_wrong_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(tmp_path / "none.toml"), "--listen", str(tmp_path / "socket")]) == 78
    assert capfd.readouterr().err.count("\n") == 1


def test_a_path_to_listen_at_that_has_something_else_is_refused_and_left(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config, folder = tmp_path / "bucket.toml", tmp_path / "folder"
    config.write_text(f'urls = ["{HTTPS}"]\n')
    folder.mkdir()
    (tmp_path / "bucket").write_text("AKID\nhidden\n")
    for taken in (config, folder):
        given = ["--config", str(config), "--credentials", str(tmp_path), "--listen", str(taken)]
        assert main(given) == 78
        assert capfd.readouterr().err.startswith(f"letterbox-bucket: {taken}: is no socket: ")
        assert taken.exists()
