"""BDAT on a real connection (RFC 3030)."""

from __future__ import annotations

from tests.receiver.server import Server
from tests.receiver.wire import content_of


def test_bdat_takes_chunks_as_they_are(server: Server) -> None:
    with server.client() as client:
        client.send(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\n")
        client.send(b"BDAT 21\r\nSubject: chunks\r\n\r\n.\r")
        client.send(
            b"BDAT 0\r\nBDAT 4\r\n\n.\r\nNOOP\r\nBDAT 0 LAST\r\nNOOP\r\n".replace(b"NOOP\r\nBDAT", b"BDAT")
        )
        client.expect(250, 250, "250 2.0.0", "250 2.0.0", "250 2.0.0", "250 2.0.0 Stored", 250)
    (message,) = [each for each in server.messages() if b"Subject: chunks" in each]
    assert content_of(message) == b"Subject: chunks\r\n\r\n.\r\n.\r\n"


def test_bdat_without_a_recipient_reads_its_chunk_and_refuses(server: Server) -> None:
    with server.client() as client:
        client.send(b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
        client.expect("503 5.5.1", "250 2.0.0")
        client.send(
            b"MAIL FROM:<a@b.test>\r\nRCPT TO:<nobody@example.test>\r\n"
            b"BDAT 6\r\nQUIT\r\nBDAT 0 LAST\r\nNOOP\r\n"
        )
        client.expect(250, 550, "554 5.5.1", "554 5.5.1", 250)


def test_a_chunk_outside_a_transaction_is_no_part_of_the_next_one(server: Server) -> None:
    with server.client() as client:
        client.send(b"BDAT 6\r\nQUIT\r\n")
        client.expect("503 5.5.1")
        client.ask("MAIL FROM:<a@b.test>", 250)
        client.ask("RCPT TO:<alice@example.test>", 250)
        client.send(b"BDAT 28 LAST\r\nSubject: after a refusal\r\n\r\n")
        client.expect("250 2.0.0 Stored")
    (message,) = [each for each in server.messages() if b"Subject: after a refusal" in each]
    assert content_of(message) == b"Subject: after a refusal\r\n\r\n"


def test_bdat_and_data_are_not_mixed(server: Server) -> None:
    with server.client() as client:
        client.send(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nBDAT 2\r\n\r\nDATA\r\n")
        client.send(b"RCPT TO:<bob@example.test>\r\nRSET\r\nNOOP\r\n")
        client.expect(250, 250, 250, "503 5.5.1", "503 5.5.1", 250, 250)


def test_a_bdat_without_a_size_ends_the_connection(server: Server) -> None:
    with server.client() as client:
        client.send(b"BDAT\r\nMAIL FROM:<a@b.test>\r\n")
        client.expect("501 5.5.4")
        assert client.closed()
