"""What `letterbox proof` says, to people and to programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from receiver import qr
from receiver.reading import command, terminal
from receiver.reading.terminal import BLACK_ON_WHITE, BOLD, GREEN, RED, Screen


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is waited for."""

    local: str
    domain: str
    seconds: float

    @property
    def address(self) -> str:
        return f"{self.local}@{self.domain}"


class Told:
    """What the user is told, in lines."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    def address(self, waiting: Waiting) -> None:
        self.screen.line("Send any message, from anywhere, to")
        self.screen.line(f"  {self.screen.styled(waiting.address, BOLD)}")
        self.screen.line(f"  {mailto(waiting.address)}")
        picture = qr.lines(f"mailto:{waiting.address}")
        if picture and self.screen.shows_blocks and len(picture[0]) < self.screen.columns:
            for line in picture:
                self.screen.line(self.screen.styled(line, BLACK_ON_WHITE))

    def waiting(self, left: float) -> None:
        self.screen.live(f"waiting, {int(left) // 60}:{int(left) % 60:02d} left; Ctrl-C gives up")

    def event(self, event: Mapping[str, object]) -> None:
        how = event.get("tls") or "in clear text"
        if event.get("event") == "refused":
            self.screen.line(self.screen.styled(f"Refused: {terminal.plain(str(event.get('reason')))}", RED))
        else:
            self.screen.line(f"{event.get('peer') or 'somebody'} has begun to deliver, {how}")

    def stored(self, proof: Mapping[str, object]) -> None:
        self.screen.line(self.screen.styled("Stored: this host receives mail.", GREEN, BOLD))
        for name, value in shown(proof).items():
            self.screen.line(f"{self.screen.styled(f'{name:<8}', BOLD)} {terminal.plain(value)}")
        self.screen.line()
        self.screen.line(terminal.plain_lines(str(proof["text"])[:2000]).rstrip("\n"))

    def late(self, waiting: Waiting) -> None:
        self.screen.line(
            self.screen.styled(f"No message to {waiting.address} in {waiting.seconds:g} s.", RED)
        )


class JsonTold(Told):
    """The same, for programs: an object a line."""

    def __init__(self) -> None:
        super().__init__(Screen())

    def address(self, waiting: Waiting) -> None:
        address = waiting.address
        command.print_json({"event": "waiting", "address": address, "mailto": mailto(address)})

    def waiting(self, left: float) -> None:
        pass

    def event(self, event: Mapping[str, object]) -> None:
        command.print_json(event)

    def stored(self, proof: Mapping[str, object]) -> None:
        command.print_json(proof)

    def late(self, waiting: Waiting) -> None:
        command.print_json({"event": "late", "address": waiting.address, "seconds": waiting.seconds})


def mailto(address: str) -> str:
    return f"mailto:{address}?subject=Letterbox%20proof"


def shown(proof: Mapping[str, object]) -> dict[str, str]:
    """The evidence for people: a name for each line."""
    peer = f"{proof['peer'] or 'unknown'} ({proof['reverse_name'] or 'no reverse name'})"
    host = {"Host": str(proof["host"])} if "host" in proof else {}
    return {
        **host,
        "Peer": f"{peer}, calls itself {proof['helo']}",
        "TLS": f"{proof['tls']}, {proof['cipher']}" if proof["tls"] else "no",
        "Time": f"{float(str(proof['seconds'])) * 1000:.0f} ms from RCPT to disk",
        "SHA-256": str(proof["sha256"]),
        "Lies in": str(proof["path"]),
        "From": str(proof["from"]),
        "Subject": str(proof["subject"]),
        "Date": str(proof["date"]),
    }
