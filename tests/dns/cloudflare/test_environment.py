"""A wrong environment variable is named before anything is asked or changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dns import sync
from dns.inventory import load
from tests.dns.example import Run, only_line, values
from tests.lab.cloudflare import StandIn

EVERY_PROXY = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the proxies and certificates that this machine names."""
    for name in (*EVERY_PROXY, "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
@pytest.mark.parametrize(
    "value",
    [
        "http://127.0.0.1:99999",
        "127.0.0.1:99999",
        "http://127.0.0.1:0",
        "http://127.0.0.1:port",
        "http://:3128",
        "http://",
        "ftp://proxy.test:21",
        "nonsense://x",
        "http://[::1",
    ],
)
def test_a_proxy_variable_that_is_not_an_address_is_named(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert only_line(run()).startswith(f"{name} {value!r} ")
    assert cloudflare.requests == []


def test_a_proxys_password_is_not_printed(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://bob:hunter2@proxy.test:99999")
    assert "hunter2" not in only_line(run())


def test_a_spelling_that_is_empty_turns_the_other_off(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:99999")
    monkeypatch.setenv("http_proxy", "")
    assert run()[0] == 0


@pytest.mark.parametrize(
    "value",
    [
        "http://127.0.0.1:99999/client/v4",
        "http://127.0.0.1:0/client/v4",
        "http://127.0.0.1:x/client/v4",
        "http://:80/client/v4",
        "https://[::1/client/v4",
        "api.cloudflare.com",
        "http:///client/v4",
    ],
)
def test_an_endpoint_that_is_not_an_address_is_named(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", value)
    assert only_line(run()).startswith(f"CLOUDFLARE_BASE_URL {value!r} ")
    assert cloudflare.requests == []


@pytest.mark.parametrize(("name", "what"), [("SSL_CERT_FILE", "file"), ("SSL_CERT_DIR", "folder")])
def test_certificates_that_are_not_there_are_named(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", cloudflare.base_url.replace("http:", "https:"))
    monkeypatch.setenv(name, "/nowhere/at/all")
    assert only_line(run()) == f"{name} '/nowhere/at/all': there is no such {what}: correct or unset it"


def test_a_file_of_certificates_that_holds_none_is_named(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch, inventory: Path
) -> None:
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", cloudflare.base_url.replace("http:", "https:"))
    monkeypatch.setenv("SSL_CERT_FILE", str(inventory))
    assert f"SSL_CERT_FILE {inventory}" in only_line(run())


def test_certificates_do_not_matter_to_an_endpoint_without_tls(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at/all")
    assert run()[0] == 0


@pytest.mark.parametrize(
    "headers",
    [
        "Authorization: Bearer somebody-elses-token",
        "X-Auth-Email: bob@e.test",
        "X-Left: over\nX-Two: 2",
        "X-Bad: \x7f\u00e9",
    ],
)
def test_headers_that_another_program_left_are_not_sent(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch, headers: str
) -> None:
    monkeypatch.setenv("CLOUDFLARE_CUSTOM_HEADERS", headers)
    assert run()[0] == 0
    assert not {"x-left", "x-two", "x-bad", "x-auth-email"} & set(cloudflare.requests[0].headers)


class TestResolver:
    """The resolver is checked before the zone is changed."""

    @pytest.mark.parametrize(
        "text",
        ["127.0.0.1#99999", "127.0.0.1#0", "127.0.0.1#", "127.0.0.1#x", "x", "dns.test", "1.1.1.1#-53"],
    )
    def test_one_in_the_environment_that_is_not_an_address_is_named(
        self, cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        monkeypatch.setenv("LETTERBOX_RESOLVER", text)
        line = only_line(run("--wait", "5"))
        assert line.startswith("LETTERBOX_RESOLVER: ")
        assert line.endswith("give ADDRESS or ADDRESS#PORT")
        assert values(cloudflare) == set()

    def test_one_that_is_named_on_the_command_line_counts_alone(
        self, cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LETTERBOX_RESOLVER", "127.0.0.1#99999")
        assert run("--resolver", "127.0.0.1#53")[0] == 0

    @pytest.mark.parametrize("text", ["127.0.0.1#99999", "nobody"])
    def test_one_on_the_command_line_that_is_not_an_address_is_reported(
        self, cloudflare: StandIn, run: Run, capsys: pytest.CaptureFixture[str], text: str
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            run("--resolver", text)
        assert ended.value.code == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "argument --resolver: " in line
        assert cloudflare.requests == []

    def test_a_deploy_that_has_a_wrong_one_stops_before_it_asks(
        self, cloudflare: StandIn, inventory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LETTERBOX_RESOLVER", "127.0.0.1#99999")
        with pytest.raises(sync.SyncError, match="LETTERBOX_RESOLVER: '99999' is not a port"):
            sync.prepare(load(inventory), "example.test", {})
        assert cloudflare.requests == []

    def test_nameservers_that_cannot_be_looked_up_stop_the_run_before_the_change(
        self, cloudflare: StandIn, run: Run
    ) -> None:
        line = only_line(run("--wait", "5", "--resolver", "127.83.0.99#9"))
        assert re.match(r"example\.test: nothing was changed: the zone's nameservers .*cannot be asked", line)
        assert "--wait 0" in line
        assert values(cloudflare) == set()
        assert not any(request.method == "POST" for request in cloudflare.requests)
