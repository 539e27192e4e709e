"""The certificate that the receiver serves, as a run of the heartbeat judges it."""

from __future__ import annotations

import pytest

from tests.receiver.certificates import make_certificate
from tests.receiver.processes import wait_until
from tests.services.heartbeat.conftest import Place


@pytest.mark.parametrize(
    ("begun", "left", "well", "words"),
    [
        (60, 30, True, "(29 days)"),
        (80, 10, False, "which is in 10.0 days"),
        (5, 1.5, True, "(1 days)"),
        (5.5, 0.5, False, "which is in 0.5 days"),
        (90, -1, False, "expired on "),
        (-1, 90, False, "valid from "),
    ],
)
def test_the_certificate_that_is_served_is_judged(
    place: Place, begun: float, left: float, well: bool, words: str
) -> None:
    certificate, key = place.folder / "certificate.pem", place.folder / "key.pem"
    before = certificate.read_bytes(), key.read_bytes()
    make_certificate(place.folder, "mx.example.test", begun=begun, left=left)
    said: list[tuple[int, str]] = []

    def is_told() -> bool:  # The receiver looks for other files once a second.
        code = place.run().returncode
        (line,) = (each for each in place.switch.last.body.splitlines() if "certificate: " in each)
        said.append((code, line))
        return words in line

    try:
        wait_until(is_told, f"the certificate is told as: {words}")
    finally:
        certificate.write_bytes(before[0])
        key.write_bytes(before[1])
    code, line = said[-1]
    assert (code == 0, line.startswith("ok ")) == (well, well), line
