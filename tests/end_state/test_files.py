"""Where the program, the configuration and the mail lie, who owns them, and who may read them."""

from __future__ import annotations

import re
import tomllib

import pytest

from provision.desired.state import for_host
from provision.host import layout

PATHS = [
    (layout.CONFIGURATION_FOLDER, "root", "letterbox", 0o750),
    (layout.CONFIGURATION, "root", "letterbox", 0o640),
    (layout.TLS_FOLDER, "root", "letterbox", 0o750),
    (layout.KEY_FOLDERS, "root", "letterbox", 0o750),
    (f"{layout.KEY_IN_USE}/key.pem", "root", "letterbox", 0o640),
    (f"{layout.KEY_IN_USE}/request.pem", "root", "root", 0o644),
    (f"{layout.NEXT_KEY}/key.pem", "root", "root", 0o600),
    (f"{layout.NEXT_KEY}/request.pem", "root", "root", 0o644),
    (layout.PROGRAM_FOLDER, "root", "root", 0o755),
    (layout.RELEASES, "root", "root", 0o755),
    (layout.STATE_FOLDER, "letterbox", "letterbox", 0o700),
    (layout.MAIL, "letterbox", "letterbox", 0o700),
    (f"{layout.UNIT_FOLDER}/{layout.SOCKET_UNIT}", "root", "root", 0o644),
    (f"{layout.UNIT_FOLDER}/{layout.SERVICE_UNIT}", "root", "root", 0o644),
]


@pytest.mark.parametrize(("path", "user", "group", "mode"), PATHS)
def test_owner_group_and_mode(host, path, user, group, mode) -> None:
    file = host.file(path)
    assert (file.user, file.group, oct(file.mode)) == (user, group, oct(mode))


@pytest.mark.parametrize("path", [layout.KEY, layout.CERTIFICATE])
def test_one_rename_changes_key_and_certificate(host, path) -> None:
    name = path.rpartition("/")[2]
    assert host.check_output(f"readlink {path}") == f"current/{name}"
    folder = host.check_output(f"readlink {layout.KEY_IN_USE}")
    assert re.fullmatch("keys/[0-9a-f]{16}", folder)


def test_the_next_key_is_another_one_and_has_its_request(host) -> None:
    used, following = (
        host.check_output(f"openssl pkey -in {link}/key.pem -pubout")
        for link in (layout.KEY_IN_USE, layout.NEXT_KEY)
    )
    assert used != following
    assert following == host.check_output(f"openssl req -in {layout.NEXT_KEY}/request.pem -noout -pubkey")


def test_the_user_cannot_log_in(host) -> None:
    user = host.user(layout.USER)
    assert user.shell.endswith("/nologin")
    assert user.home == layout.STATE_FOLDER
    assert user.group == layout.USER
    assert user.uid < 1000
    assert user.password in ("!", "!!", "!*", "*")


def test_current_is_a_complete_release(host) -> None:
    link = host.file(layout.CURRENT)
    assert re.fullmatch(r"(/opt/letterbox/)?releases/[0-9a-f]{16}", link.linked_to)
    assert host.check_output(f"{layout.COMMAND} --version").startswith("letterbox ")


def test_the_release_is_whole(host) -> None:
    said = host.run(f"cd {layout.CURRENT} && sha256sum --quiet -c manifest")
    assert said.rc == 0, said.stdout
    found = host.check_output(f"cd {layout.CURRENT}/ && find . -type f ! -name manifest | wc -l")
    assert found == host.check_output(f"wc -l < {layout.CURRENT}/manifest")


def test_mailboxes_are_the_receivers(host) -> None:
    found = host.check_output(
        f"find {layout.MAIL} -maxdepth 3 ! -path '{layout.QUEUES}/*' "
        f"\\( ! -user {layout.USER} -o ! -group {layout.USER} \\) | head"
    )
    assert found == ""


def test_the_certificate_has_not_ended(host) -> None:
    assert host.run(f"openssl x509 -in {layout.CERTIFICATE} -noout -checkend 0").rc == 0


def test_the_program_is_not_writable_by_the_one_who_runs_it(host) -> None:
    found = host.check_output(
        f"find {layout.PROGRAM_FOLDER} ! -type l \\( ! -user root -o -perm /022 \\) | head"
    )
    assert found == ""


def test_no_half_made_file_is_left(host) -> None:
    found = host.check_output(
        f"find {layout.CONFIGURATION_FOLDER} {layout.PROGRAM_FOLDER} {layout.UNIT_FOLDER} "
        f"-maxdepth 2 \\( -name '*letterbox*.new' -o -name '*.pem.new' -o -name '.[0-9a-f]*' \\)"
    )
    assert found == ""


def test_the_configuration_says_what_the_inventory_says(host, mail_host, inventory) -> None:
    there = host.file(layout.CONFIGURATION).content_string
    own = layout.RESOLVER in there  # which of the two resolvers it has, the host decides
    wanted = for_host(inventory, mail_host.name, release="", own_resolver=own).configuration
    assert tomllib.loads(there) == tomllib.loads(wanted)


def test_the_program_accepts_its_configuration(host) -> None:
    said = host.run(f"{layout.COMMAND} check --config {layout.CONFIGURATION}")
    assert said.rc == 0, said.stderr


def test_the_certificate_is_the_keys_and_in_the_hosts_name(host, mail_host) -> None:
    public = f"openssl pkey -in {layout.KEY} -pubout"
    assert host.check_output(public) == host.check_output(
        f"openssl x509 -in {layout.CERTIFICATE} -noout -pubkey"
    )
    names = host.check_output(f"openssl x509 -in {layout.CERTIFICATE} -noout -ext subjectAltName")
    assert f"DNS:{mail_host.hostname}" in names
