"""Forged results, header sections that are odd or too large, and domains that refuse forged mail."""

from __future__ import annotations

import pytest

from tests.dns.loopback.nameserver import Nameserver
from tests.receiver.checks.dkim.messages import signed
from tests.receiver.sender_checks.sending import UNSIGNED, send, stored
from tests.receiver.server import Server

FORGED = b"Authentication-Results: %s; dmarc=pass header.from=bank.test\r\n"


def test_only_forged_results_with_a_name_of_ours_are_taken_out(checking: Server) -> None:
    theirs = FORGED % b"mx.elsewhere.test"
    octets = FORGED % b"mx.example.test" + theirs + FORGED % b"(x) MX2.example.test" + UNSIGNED
    inside = FORGED % b"mx.example.test"
    with checking.client("mail.example.com") as client:
        reply = send(client, octets + inside)
    field, _, rest = stored(checking, reply)
    assert rest == theirs + UNSIGNED + inside, "the body stays as it is"
    assert b"dkim=none" in field
    checking.wait_for_log(rf"id={reply.split()[-1]} .* checks=[0-9.]+ forged=2\n")


@pytest.mark.parametrize(
    "octets",
    [
        b"From: a@example.com\r\nSubject: no body\r\n",
        b"From: a@example.com\r\nSubject: an empty body\r\n\r\n",
        b"\r\nno header section\r\n",
        b"\r\n",
        b"no fields and no empty line\r\n",
        b"",
        b"Subject: only results\r\n" + FORGED % b"mx.elsewhere.test",
    ],
)
def test_odd_messages_are_stored_as_they_came(checking: Server, octets: bytes) -> None:
    with checking.client("mail.example.com") as client:
        field, _, rest = stored(checking, send(client, octets))
        assert rest == octets
        client.ask("MAIL FROM:<news@example.com>", 250)
        client.ask("RCPT TO:<alice@example.test>", 250)
        cut = octets.removesuffix(b"\r\n")  # a chunk may end in any octet
        client.send(b"BDAT %d LAST\r\n" % len(cut) + cut)
        assert stored(checking, client.reply())[2] == cut
    assert b"dkim=none" in field


def test_a_forged_result_that_is_the_whole_message_is_taken_out(checking: Server) -> None:
    with checking.client("mail.example.com") as client:
        assert stored(checking, send(client, FORGED % b"mx.example.test"))[2] == b""


def test_a_header_section_over_256_kib_is_552_at_the_true_end(checking: Server) -> None:
    fields = b"X: " + b"x" * 995 + b"\r\n"
    with checking.client("mail.example.com") as client:
        for octets in (fields * 263 + b"\r\nbody\r\n", fields * 300, b"x" * 300_000 + b"\r\n"):
            client.begin()
            client.send(octets)
            client.send(b"QUIT\r\n..\r\n.\r\n")
            client.expect("552 5.3.4 header section too large")
        assert stored(checking, send(client, fields * 262 + b"\r\nbody\r\n"))[2].endswith(b"body\r\n")
    checking.wait_for_empty_tmp()


def test_a_domain_that_asks_for_it_refuses_only_what_its_owner_asks_to_reject(checking: Server) -> None:
    with checking.client("mail.example.com") as client:
        eve = "<eve@liar.test>"
        refused = send(client, UNSIGNED, "carol@strict.test", "dave@strict.test", sender=eve)
        assert refused == "550 5.7.26 example.com did not send this, and asks to reject such mail (DMARC)"
        assert send(client, signed(), "carol@strict.test", sender=eve).startswith("250")
        listed = b"List-Id: <friends.example.com>\r\n" + UNSIGNED
        assert send(client, listed, "carol@strict.test", sender=eve).startswith("550")
        other = UNSIGNED.replace(b"alice@example.com", b"eve@liar.test")
        assert send(client, other, "carol@strict.test", sender=eve).startswith("250"), "no policy"
        assert send(client, UNSIGNED, "alice@example.test", sender=eve).startswith("250")
    checking.wait_for_log(
        r"event=refused id=.* to=<carol@strict.test>.* reason=\"550 5.7.26 .* dkim=none spf=fail dmarc=fail "
        r"author=example.com policy=reject "
    )
    assert len(checking.messages("carol@strict.test")) == 2
    assert checking.messages("dave@strict.test") == []


def test_recipients_whose_domains_treat_forged_mail_differently_get_messages_of_their_own(
    checking: Server,
) -> None:
    with checking.client("mail.example.com") as client:
        client.ask("MAIL FROM:<eve@liar.test>", 250)
        client.ask("RCPT TO:<alice@example.test>", 250)
        client.ask("RCPT TO:<carol@strict.test>", "452 4.5.3")
        client.ask("RCPT TO:<bob@example.test>", 250)
        client.ask("RSET", 250)
        client.ask("MAIL FROM:<eve@liar.test>", 250)
        client.ask("RCPT TO:<carol@strict.test>", 250)
        client.ask("RCPT TO:<alice@example.test>", "452 4.5.3")
        client.ask("DATA", 354)
        client.send(UNSIGNED + b".\r\n")
        client.expect("550 5.7.26")


def test_a_peer_without_a_recipient_asks_the_dns_nothing(checking: Server, nameserver: Nameserver) -> None:
    nameserver.asked.clear()
    with checking.client("mail.example.com") as client:
        client.ask("MAIL FROM:<eve@unheard.test>", 250)
        client.ask("RCPT TO:<nobody@example.test>", 550)
        client.ask("RCPT TO:<nobody@elsewhere.test>", 550)
        client.ask("RSET", 250)
        send(client, signed())
    assert not [name for name, _ in nameserver.asked if "unheard" in name]
