"""Notes to the reader on parts that cannot be shown, or not as the sender meant them."""

from __future__ import annotations

from collections.abc import Iterator

from receiver.content.mime import Part

_ENCODINGS = {"", "7bit", "8bit", "binary", "base64", "quotedprintable", "uuencode"}
_SEALED = {
    "application/pgp-encrypted": "encrypted with PGP, so it cannot be read here",
    "application/pgp-signature": "signed with PGP, which is not checked here",
    "application/pkcs7-signature": "signed with S/MIME, which is not checked here",
    "application/x-pkcs7-signature": "signed with S/MIME, which is not checked here",
    "application/pkcs7-mime": "an S/MIME message, encrypted or signed in a way that hides the text",
    "application/x-pkcs7-mime": "an S/MIME message, encrypted or signed in a way that hides the text",
    "application/ms-tnef": "in the format of Outlook (winmail.dat), which may contain the text and the files",
    "message/partial": "one piece of a message that was sent in several pieces",
    "message/external-body": "only the address of content that is stored elsewhere",
}


def on_part(part: Part, text: str) -> Iterator[str]:
    """The notes on a part. `text` is the text that the reader gets of it."""
    kind = part.content_type
    if kind in _SEALED:
        yield f"{kind}: {_SEALED[kind]}"
    if kind.startswith("multipart/"):
        yield f"{kind} without a boundary: shown as one text"
    if part.encoding not in _ENCODINGS:
        yield f"transfer encoding {part.encoding[:40]} is unknown, so the part is shown undecoded"
    if "-----BEGIN PGP MESSAGE-----" in text:
        yield "a text is encrypted with PGP, so it cannot be read here"
