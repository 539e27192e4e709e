"""The output of `letterbox proof`, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping

from receiver.cli import terminal
from receiver.cli.command import print_json
from receiver.cli.terminal import BOLD, GREEN, RED, YELLOW, Screen
from receiver.reading import marks


class Display:
    """Prints the progress and the evidence for people."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    def address(self, address: str) -> None:
        self.screen.line("Send any message, from anywhere, to")
        self.screen.line(f"  {self.screen.styled(address, BOLD)}")
        self.screen.line(f"  {mailto(address)}")

    def waiting(self, left: float) -> None:
        """`left` is in seconds."""
        self.screen.live(f"waiting, {int(left) // 60}:{int(left) % 60:02d} left; Ctrl-C gives up")

    def event(self, event: Mapping[str, object]) -> None:
        how = event.get("tls") or "in clear text"
        if event.get("event") == "refused":
            self.screen.hanging("", 0, f"Refused: {terminal.plain(str(event.get('reason')))}", RED)
        else:
            self.screen.line(f"{event.get('peer') or 'somebody'} has begun to deliver, {how}")

    def stored(self, evidence: Mapping[str, object]) -> None:
        self.screen.line(self.screen.styled("Stored: this host receives mail.", GREEN, BOLD))
        if sentence := evidence.get("authentic_text"):  # A host of an older release does not say it.
            is_authentic = evidence.get("authentic")
            marks.print_sentence(
                self.screen,
                str(sentence),
                is_authentic if isinstance(is_authentic, bool) else None,
                is_spam=bool(evidence.get("spam")),
            )
        for name, value in as_lines(evidence).items():
            self.screen.hanging(f"{self.screen.styled(f'{name:<8}', BOLD)} ", 9, terminal.plain(value))
        self.screen.line()
        self.screen.line(terminal.plain_lines(str(evidence["text"])[:2000]).rstrip("\n"))
        self.screen.line()
        self.screen.line("Your mail is read on the host: sudo /usr/local/bin/letterbox list")

    def hook(self, outcome: Mapping[str, object]) -> None:
        """What became of the message in a hook, as `through_hook.Outcome` has it in JSON."""
        if outcome["delivered"] is None:
            mark = self.screen.styled("?", YELLOW, BOLD)
        else:
            mark = (
                self.screen.styled("✓", GREEN) if outcome["delivered"] else self.screen.styled("✗", RED, BOLD)
            )
        text = f"hook {outcome['hook']}: {outcome['evidence']}"
        self.screen.hanging(f"{mark} ", 2, terminal.plain(text))

    def late(self, address: str, seconds: float) -> None:
        self.screen.line(self.screen.styled(f"No message to {address} in {seconds:g} s.", RED))


class JsonDisplay(Display):
    """Prints them for programs, as one JSON object on each line."""

    def __init__(self) -> None:
        super().__init__(Screen())

    def address(self, address: str) -> None:
        print_json({"event": "waiting", "address": address, "mailto": mailto(address)})

    def waiting(self, left: float) -> None:
        pass

    def event(self, event: Mapping[str, object]) -> None:
        print_json(event)

    def stored(self, evidence: Mapping[str, object]) -> None:
        print_json(evidence)

    def hook(self, outcome: Mapping[str, object]) -> None:
        print_json({"event": "hook", **outcome})

    def late(self, address: str, seconds: float) -> None:
        print_json({"event": "late", "address": address, "seconds": seconds})


def mailto(address: str) -> str:
    return f"mailto:{address}?subject=Letterbox%20proof"


def as_lines(evidence: Mapping[str, object]) -> dict[str, str]:
    """The evidence as lines for people, by their names."""
    peer = f"{evidence['peer'] or 'unknown'} ({evidence['reverse_name'] or 'no reverse name'})"
    host = {"Host": str(evidence["host"])} if "host" in evidence else {}
    return {
        **host,
        "Peer": f"{peer}, calls itself {evidence['helo']}",
        "TLS": f"{evidence['tls']}, {evidence['cipher']}" if evidence["tls"] else "no",
        "Time": f"{float(str(evidence['seconds'])) * 1000:.0f} ms from RCPT to disk",
        "SHA-256": str(evidence["sha256"]),
        "Lies in": str(evidence["path"]),
        "From": str(evidence["from"]),
        "Subject": str(evidence["subject"]),
        "Date": str(evidence["date"]),
    }
