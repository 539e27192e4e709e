"""The Authentication-Results field: its form, and that nobody reads in it what was not meant."""

from __future__ import annotations

from receiver.checks import field
from receiver.checks.results import DKIM, DMARC, SPF, Reverse

GMAIL = DKIM("pass", "", "gmail.com", "20251104", "@gmail.com", "rsa-sha256", "Ej9ZJSfXL19m", 2048)


def test_the_field_of_a_message_that_passes() -> None:
    written = field.write(
        "mx1.example.com",
        Reverse("pass", "mail-ej1-f41.google.com"),
        "209.85.218.41",
        SPF("pass", "gmail.com", "mailfrom", "someone@gmail.com"),
        [GMAIL],
        DMARC("pass", "", "gmail.com", "none", "gmail.com", "dkim", "gmail.com"),
    )
    assert written.decode() == (
        "Authentication-Results: mx1.example.com;\r\n"
        "\tdkim=pass (2048 bits) header.d=gmail.com header.i=@gmail.com\r\n"
        "\t\theader.s=20251104 header.a=rsa-sha256 header.b=Ej9ZJSfXL19m;\r\n"
        "\tspf=pass smtp.mailfrom=someone@gmail.com;\r\n"
        "\tdmarc=pass (p=none at gmail.com, aligned dkim) header.from=gmail.com;\r\n"
        "\tiprev=pass (mail-ej1-f41.google.com) policy.iprev=209.85.218.41\r\n"
    )


def test_the_field_of_a_message_without_signature_address_and_policy() -> None:
    spf = SPF("none", "mx.shop.example", "helo", "mx.shop.example", "no record")
    written = field.write("mx1.example.com", None, "", spf, [], DMARC("none", "", "shop.example"))
    assert written.decode() == (
        "Authentication-Results: mx1.example.com;\r\n"
        "\tdkim=none;\r\n"
        '\tspf=none reason="no record" smtp.helo=mx.shop.example;\r\n'
        "\tdmarc=none header.from=shop.example\r\n"
    )
