"""The results of the checks, from SMTP to the stored file, through our resolver and a nameserver."""

from __future__ import annotations

import pytest

from tests.receiver.checks.dkim.messages import signed
from tests.receiver.sender_checks.sending import good, send, stored
from tests.receiver.server import Server


def test_a_signed_message_is_stored_as_it_came_below_its_results(checking: Server) -> None:
    octets = signed()
    with checking.client("mail.example.com") as client:
        field, received, rest = stored(checking, send(client, octets))
    assert field == good(octets)
    assert b"by mx.example.test (Letterbox)" in received
    assert rest == octets
    checking.wait_for_log(
        r"event=received .* dkim=pass spf=pass dmarc=pass author=example.com policy=reject "
        r"reverse=mail.example.com checks=\d\.\d+\n"
    )


def test_a_large_message_has_the_same_field_in_its_slot_in_every_copy(checking: Server) -> None:
    octets = signed(body=b"x" * 70 + b"\r\n" + (b"y" * 998 + b"\r\n") * 400)
    with checking.client("mail.example.com") as client:
        reply = send(client, octets, "alice@example.test", "bob@example.test")
    one = stored(checking, reply)
    assert one[2] == octets
    assert one == stored(checking, reply, "bob@example.test")
    assert len(one[0]) == 2048
    assert one[0].startswith(good(octets)[:-2] + b"\r\n\t(----")
    assert one[0].endswith(b"-)\r\n")


def test_several_messages_rset_and_pipelining_each_get_their_own_results(checking: Server) -> None:
    other = signed({"d": "elsewhere.test"}).replace(b"alice@example.com", b"eve@liar.test")
    with checking.client("mail.example.com") as client:
        client.ask("MAIL FROM:<eve@liar.test>", 250)
        client.ask("RCPT TO:<alice@example.test>", 250)
        client.ask("RSET", 250)
        first = send(client, signed())
        commands = b"MAIL FROM:<eve@liar.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"
        client.send(b"RSET\r\n" + commands)
        client.expect(250, 250, 250, 354)
        again = commands.replace(b"eve@liar.test", b"news@example.com")
        client.send(other + b".\r\n" + again)
        second = client.reply()
        client.expect(250, 250, 354)
        client.send(signed() + b".\r\nQUIT\r\n")
        third = client.reply()
        client.expect(221)
    assert stored(checking, first)[0] == stored(checking, third)[0] == good(signed())
    field = stored(checking, second)[0]
    assert b"dkim=permerror" in field and b"spf=fail smtp.mailfrom=eve@liar.test" in field, field
    assert b"header.from=liar.test" in field


@pytest.mark.parametrize("cut", [1, 3, 200, 5000])
def test_chunks_may_be_cut_anywhere(checking: Server, cut: int) -> None:
    octets = signed(body=b"one\r\n..two\r\n.\r\nthree\r\n")
    with checking.client("mail.example.com") as client:
        client.ask("MAIL FROM:<news@example.com>", 250)
        client.ask("RCPT TO:<alice@example.test>", 250)
        pieces = [octets[at : at + cut] for at in range(0, len(octets), cut)]
        client.send(b"".join(b"BDAT %d\r\n" % len(each) + each for each in pieces) + b"BDAT 0 LAST\r\n")
        for _ in pieces:
            client.expect(250)
        field, _, rest = stored(checking, client.reply())
    assert rest == octets
    assert field == good(octets)
