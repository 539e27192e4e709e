"""Notes to the reader: what is hidden in a part of a message, or could not be read as it was meant."""

from __future__ import annotations

from collections.abc import Iterator

from receiver.content.mime import Part

_ENCODINGS = {"", "7bit", "8bit", "binary", "base64", "quotedprintable", "uuencode"}
_SEALED = {
    "application/pgp-encrypted": "encrypted with PGP, it cannot be read here",
    "application/pgp-signature": "signed with PGP, which is not checked here",
    "application/pkcs7-signature": "signed with S/MIME, which is not checked here",
    "application/x-pkcs7-signature": "signed with S/MIME, which is not checked here",
    "application/pkcs7-mime": "an S/MIME message (encrypted, or signed in a way that hides the text)",
    "application/x-pkcs7-mime": "an S/MIME message (encrypted, or signed in a way that hides the text)",
    "application/ms-tnef": "in Outlook's own format (winmail.dat), which may hold the text and the files",
    "message/partial": "one piece of a message that was sent in several",
    "message/external-body": "only the address of content that is kept elsewhere",
}


def hidden_in(part: Part, text: str) -> Iterator[str]:
    """A line for each thing to be said of a part. `text` is what is shown of it."""
    kind = part.content_type
    if kind in _SEALED:
        yield f"{kind}: {_SEALED[kind]}"
    if kind.startswith("multipart/"):
        yield f"{kind} without a boundary that is there: shown as one text"
    if part.encoding not in _ENCODINGS:
        yield f"transfer encoding {part.encoding[:40]}: not known, shown as it stands"
    if "-----BEGIN PGP MESSAGE-----" in text:
        yield "a text is encrypted with PGP: it cannot be read here"
