"""The main job from end to end, for a person to watch: a bare host, the deploy, DNS, and a first message.

It runs the `deploy.py` that a real host gets, through the real `pyinfra`, with the lab's inventory. Then the
world's Postfix looks up the MX and delivers a message, which is read from the target's Maildir.
"""

from __future__ import annotations

import email
import email.policy
import os
import re
import subprocess
import sys
import time
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from pathlib import Path

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from receiver import headers
from receiver.reading.sender import authentication_results, trace
from receiver.reading.sender.verdict import judge
from tests.lab import lifecycle
from tests.lab.display import Display, Stage
from tests.lab.errors import LabError
from tests.lab.lab import DOMAIN, HOSTNAME, Lab
from tests.lab.up import bring_up
from tests.lab.world import STRANGER

ROOT = Path(__file__).resolve().parents[2]
RECIPIENT = f"alice@{DOMAIN}"
MAILDIR = f"/var/lib/letterbox/mail/{DOMAIN}/alice"
DEADLINE = 60.0  # seconds for a message to arrive; one is usual
OPERATION = re.compile(r"--> Starting operation: (.+?)\s*$")
CHANGE = re.compile(r"^\s*\[[^]]*\]\s+([+~-] .*)$")


def run(folder: Path, *, keep: bool) -> int:
    """Show it all, on untouched machines. Afterwards the lab is taken down, unless `keep`."""
    display = Display()
    began = time.monotonic()
    try:
        lab, _ = bring_up(display, folder, fresh=True, command="make demo")
        deploy(display, lab)
        with display.stage("DNS", "the world asks for the MX") as stage:
            stage.say(_resolved(lab))
        message = letter()
        with display.stage("Mail", f"{STRANGER} hands it to Postfix") as stage:
            lab.world.send(message.as_bytes(), [RECIPIENT])
            path, stored = arrived(lab, str(message["Message-ID"]), stage)
            stage.say(f"in {RECIPIENT}'s Maildir")
        display.console.print(panel(stored, path))
    except BaseException:
        if not keep:
            display.note("taking the lab down (with --keep it stays, to look around)")
            lifecycle.take_down(folder)
        raise
    if keep:
        display.note("the lab still runs:  make lab-play     a shell here, to deploy to it and to test it")
        display.note("                     make lab-shell    a shell on its mail host")
        display.note("                     make lab-down     takes it down")
    else:
        with display.stage("Taking the lab down") as stage:
            lifecycle.take_down(folder)
            stage.say("make lab-up, make lab-play: to try it by hand")
    display.note(f"done in {time.monotonic() - began:.0f} s")
    return 0


def deploy(display: Display, lab: Lab) -> None:
    """Run `pyinfra -y INVENTORY deploy.py`, with a line for its progress, and all its output if it fails."""
    command = [str(Path(sys.executable).with_name("pyinfra")), "-y", str(lab.inventory), "deploy.py"]
    output: list[str] = []
    operations = changes = 0
    records = []
    with display.stage("Deploy", "pyinfra reads the host") as stage:
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **lab.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as pyinfra:
            assert pyinfra.stdout is not None
            for line in pyinfra.stdout:
                output.append(line)
                if found := OPERATION.search(line):
                    operations += 1
                    stage.say(found[1])
                changes += line.rstrip().endswith("] Success")
                if found := CHANGE.match(line):
                    records.append(found[1])
        if pyinfra.returncode != 0:
            display.console.print(Text("".join(output)))
            raise LabError(f"pyinfra ended with exit code {pyinfra.returncode}: see its output above")
        stage.say(f"{operations} steps, {changes} changed {HOSTNAME} or its zone")
    for record in records:
        display.note(f"  {record}")


def _resolved(lab: Lab) -> str:
    """What the resolver of the world finds, from the MX to the addresses. Raises LabError."""
    exchanges = lab.world.lookup(DOMAIN, "MX")
    if not exchanges:
        raise LabError(
            f"the world's resolver finds no MX for {DOMAIN}, though the deploy says that it is published"
        )
    found = [*lab.world.lookup(HOSTNAME, "A"), *lab.world.lookup(HOSTNAME, "AAAA")]
    return f"{DOMAIN} MX {' '.join(exchanges)} → {', '.join(found)}"


def letter(recipient: str = RECIPIENT) -> EmailMessage:
    """A message as a person's mail program writes it: two alternatives, and a subject beyond ASCII."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = Address("Zoë Stranger", addr_spec=STRANGER)
    message["To"] = Address("Alice", addr_spec=recipient)
    message["Subject"] = "Grüße from the outside: it works ✓"
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = make_msgid(domain=STRANGER.partition("@")[2])
    message.set_content(
        "Hello Alice,\n\nmy server looked up your MX, connected to port 25, encrypted,\n"
        "and was told 250: this message is on your disk.\n\nZoë\n",
        cte="8bit",
    )
    message.add_alternative(
        "<p>Hello Alice,</p><p>this message is on your disk.</p><p>Zoë</p>\n", subtype="html"
    )
    return message


def arrived(lab: Lab, message_id: str, stage: Stage) -> tuple[str, bytes]:
    """Path and content of the message, when it is in the Maildir. Raises LabError with Postfix's reason."""
    deadline = time.monotonic() + DEADLINE
    find = f"grep -rlF -- '{message_id}' {MAILDIR}/new {MAILDIR}/cur"
    while True:
        found = lab.target.run(find, check=False).stdout.split()
        if found:
            return found[0], lab.target.read(found[0])
        if time.monotonic() > deadline:
            reasons = [str(each) for each in lab.world.queue()] or lab.world.bounces()
            raise LabError(
                f"the message did not arrive in {DEADLINE:.0f} s: {' '.join(reasons) or 'no reason given'}"
            )
        stage.say("Postfix looks up the MX and delivers")
        time.sleep(0.1)


def panel(stored: bytes, path: str) -> Panel:
    """The message for a person: who, what, when, how it came, where it lies, and the text."""
    message = email.message_from_bytes(stored, policy=email.policy.default)
    body = message.get_body(preferencelist=("plain", "html"))
    received = " ".join(str(message["Received"] or "").split())
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name in ("From", "To", "Subject", "Date"):
        table.add_row(name, Text(str(message[name])))
    table.add_row("Really", Text(verdict_on(stored, path).removeprefix("Really ")))
    table.add_row("TLS", Text(tls_used(received)))
    table.add_row("Lies in", Text(f"{HOSTNAME}:{path}"))
    text = Text("\n" + (body.get_content().strip() if body else "") + "\n")
    return Panel(Group(table, text), title="received", title_align="left", expand=False)


def verdict_on(stored: bytes, path: str) -> str:
    """The sentence of `letterbox show` on who sent the message."""
    said = trace.read(headers.parse_fields(stored.partition(b"\r\n\r\n")[0]), Path(path).name)
    return judge(authentication_results.parse(said.results) if said.results else None).sentence


def tls_used(received: str) -> str:
    """Whether the message came over TLS, by its Received header (RFC 5321, 4.4): the comment, or ESMTPS."""
    if found := re.search(r"\bTLSv[\d.]+[^();]*", received):
        return f"yes: {found[0].strip()}"
    return "yes" if re.search(r"\bwith (UTF8)?E?SMTPS", received) else "no"
