"""The upload of a Worker's script, and its download, as multipart/form-data (RFC 7578)."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from typing import Any

from tests.lab.cloudflare.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is not JSON."""

    type: str
    body: bytes


def download(name: str, text: str) -> Raw:
    """A script's modules as the API gives them: each a part of multipart/form-data."""
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
    head += "Content-Type: application/javascript+module\r\n\r\n"
    return Raw(f"multipart/form-data; boundary={boundary}", f"{head}{text}\r\n--{boundary}--\r\n".encode())


@dataclass(frozen=True, slots=True)
class Content:
    """The body of a request, with its Content-Type."""

    type: str
    body: bytes

    def json(self) -> dict[str, Any]:
        """The object. Raises Refusal."""
        try:
            read = json.loads(self.body)
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise Refusal(400, 10026, "Could not parse request body")
        return read

    def upload(self) -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
        """The metadata of an upload, and text and type of its modules by file name. Raises Refusal.

        https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/
        """
        if not self.type.startswith("multipart/form-data"):
            raise Refusal(415, 10001, "Content-Type must be multipart/form-data")
        whole = BytesParser().parsebytes(b"Content-Type: " + self.type.encode() + b"\r\n\r\n" + self.body)
        parts: list[Message] = [each for each in whole.walk() if not each.is_multipart()]
        metadata: object = None
        modules: dict[str, tuple[str, str]] = {}
        for part in parts:
            content = bytes(part.get_payload(decode=True) or b"")  # type: ignore[arg-type]
            if part.get_param("name", header="content-disposition") == "metadata":
                metadata = json.loads(content)
            elif file := part.get_filename():
                modules[file] = (content.decode(), part.get_content_type())
        if not isinstance(metadata, dict):
            raise Refusal(400, 10021, "The upload has no metadata part")  # guessed
        return metadata, modules
