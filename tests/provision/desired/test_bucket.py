"""The units of the bucket and what they read, as the inventory wants them."""

from __future__ import annotations

import tomllib

from dns.inventory.store.values import Store
from provision.desired.bucket import WantedBucket, bucket_toml, unit_texts
from provision.desired.files import sha256
from provision.desired.letterbox_toml import letterbox_toml
from provision.host import layout
from tests.provision.hosts import INVENTORY

STORE = Store(("https://s3.example.net/mail/fleet",), "bucket", "eu-1", ("mx1.example.com",), 90)
PAIR = "KEYID0123456789\nhush+secret/0123456789"


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_only_one_unit_has_the_network_and_the_key() -> None:
    texts = unit_texts(pulls=True, heartbeat=False)
    service = lines(texts.pop(layout.BUCKET_SERVICE))
    assert f"LoadCredentialEncrypted=bucket:{layout.BUCKET_KEY}" in service
    assert {"SocketBindDeny=any", "IPAddressDeny=link-local multicast", "DynamicUser=yes"} <= {*service}
    assert not any(line.startswith(("BindPaths", "ReadWritePaths", "StateDirectory")) for line in service)
    for name in (layout.PUSH_SERVICE, layout.PULL_SERVICE):
        unit = lines(texts[name])
        assert {"User=letterbox", "PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX"} <= {*unit}
        assert not any("Credential" in line for line in unit)


def test_the_socket_is_the_receivers_alone_and_where_its_configuration_says() -> None:
    socket = lines(unit_texts(pulls=True, heartbeat=False)[layout.BUCKET_SOCKET_UNIT])
    told = tomllib.loads(letterbox_toml(INVENTORY.hosts[0], INVENTORY.domains, store=STORE))
    assert told["store"] == {"promise": "bucket", "socket": layout.BUCKET_SOCKET}
    assert f"ListenSequentialPacket={told['store']['socket']}" in socket
    assert {"SocketUser=letterbox", "SocketMode=0600"} <= {*socket}


def test_a_host_that_does_not_pull_has_no_unit_for_it() -> None:
    assert layout.PULL_SERVICE in unit_texts(pulls=True, heartbeat=False)
    assert layout.PULL_SERVICE not in unit_texts(pulls=False, heartbeat=False)


def test_with_a_heartbeat_the_failure_of_each_service_is_told() -> None:
    for name, text in unit_texts(pulls=True, heartbeat=True).items():
        assert ("OnFailure=letterbox-heartbeat-failed@" in text) == name.endswith(".service")


def test_the_program_is_told_the_bucket_and_neither_key_nor_promise() -> None:
    told = tomllib.loads(bucket_toml(STORE))
    assert told == {"urls": ["https://s3.example.net/mail/fleet"], "region": "eu-1", "allow_http": False}


def test_without_a_store_the_receiver_is_told_nothing_of_one() -> None:
    assert "store" not in tomllib.loads(letterbox_toml(INVENTORY.hosts[0], INVENTORY.domains))


def test_the_key_is_in_no_repr_and_stays_if_it_is_the_same_or_none_is_given() -> None:
    wanted = WantedBucket({}, "", "0123456789abcdef", PAIR)
    assert "hush" not in repr(wanted)
    assert wanted.key_stays(sha256(PAIR)) and not wanted.key_stays(sha256("other"))
    assert WantedBucket({}, "", "0123456789abcdef").key_stays("any")
